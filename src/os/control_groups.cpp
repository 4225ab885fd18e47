#include "os/control_groups.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "os/errno_error.h"

namespace mekong::os {
namespace {

constexpr std::array wanted = {"memory", "pids", "cpu"};
constexpr uint64_t shares_of_a_thread = 1024, weight_of_a_thread = 100, weight_max = 10'000;
constexpr int removal_tries = 100;
constexpr useconds_t removal_pause_us = 2'000;

struct Place {
  std::string folder;  // our own group of this controller
  bool version_2 = false;
};

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) out.push_back(part);
  return out;
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> words_of(const std::string& path) {
  std::string text = read_text(path);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return split(text, ' ');
}

Status write_text(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno_error(errno, "open", path);
  const ssize_t written = ::write(file, text.data(), text.size());
  const int number = errno;
  ::close(file);
  if (written < 0) return errno_error(number, "write", path);
  return ok();
}

// "4:memory:/path", "0::/path": the path by controller, "" for version 2.
std::map<std::string, std::string> own_paths(const std::string& file) {
  std::map<std::string, std::string> out;
  for (const auto& line : split(read_text(file), '\n')) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty()) out[""] = line.substr(second + 1);
    for (const auto& name : split(controllers, ',')) out[name] = line.substr(second + 1);
  }
  return out;
}

// A mount shows the tree from `root` on.
std::string below(const std::string& mount_point, const std::string& root, std::string path) {
  if (root != "/" && path.starts_with(root)) path.erase(0, root.size());
  return path == "/" || path.empty() ? mount_point : mount_point + path;
}

// Makes the controllers of version 2 available to groups below ours. Nothing is left half done: a controller
// that cannot be had is not used.
void open_below(const std::string& folder, const std::vector<std::string>& controllers) {
  const auto enable = [&] {
    bool all = true;
    for (const auto& name : controllers)
      all = write_text(folder + "/cgroup.subtree_control", "+" + name).ok() && all;
    return all;
  };
  if (controllers.empty() || enable()) return;
  if (read_text(folder + "/cgroup.procs") != std::to_string(::getpid()) + "\n") return;
  const std::string down = folder + "/mekong-server";
  if (::mkdir(down.c_str(), 0755) != 0 && errno != EEXIST) return;
  if (write_text(down + "/cgroup.procs", "0").ok() && enable()) return;
}

// Which controllers of version 2 groups below `folder` may have, of those that are there.
using Below =
    std::function<std::vector<std::string>(const std::string& folder, const std::vector<std::string>&)>;

std::vector<std::string> opened_below(const std::string& folder,
                                      const std::vector<std::string>& controllers) {
  open_below(folder, controllers);
  return words_of(folder + "/cgroup.subtree_control");
}

// What open_below() would come to. The root of all groups, which has no type, may have processes besides.
std::vector<std::string> seen_below(const std::string& folder, const std::vector<std::string>& controllers) {
  const bool root = ::access((folder + "/cgroup.type").c_str(), F_OK) != 0;
  const bool alone = read_text(folder + "/cgroup.procs") == std::to_string(::getpid()) + "\n";
  const bool ours = ::access((folder + "/cgroup.subtree_control").c_str(), W_OK) == 0;
  return ours && (root || alone) ? controllers : words_of(folder + "/cgroup.subtree_control");
}

std::map<std::string, Place> find_places(const std::string& own_groups, const std::string& mounts,
                                         const Below& below_ours) {
  const auto own = own_paths(own_groups);
  std::map<std::string, Place> out;
  for (const auto& line : split(read_text(mounts), '\n')) {
    const auto words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 6 || words.end() - dash < 4) continue;
    const std::string &root = words[3], &point = words[4], &type = dash[1];
    if (type == "cgroup") {
      for (const auto& name : split(dash[3], ',')) {
        const auto found = own.find(name);
        if (has({wanted.begin(), wanted.end()}, name) && found != own.end())
          out.try_emplace(name, Place{below(point, root, found->second), false});
      }
    }
    if (type != "cgroup2" || !own.contains("")) continue;
    const auto folder = below(point, root, own.at(""));
    std::vector<std::string> here;
    for (const auto& name : words_of(folder + "/cgroup.controllers")) {
      if (has({wanted.begin(), wanted.end()}, name)) here.push_back(name);
    }
    const auto open = below_ours(folder, here);
    for (const auto& name : here) {
      if (has(open, name)) out.try_emplace(name, Place{folder, true});
    }
  }
  return out;
}

bool closed(const std::pair<const std::string, Place>& place) {
  return ::access(place.second.folder.c_str(), W_OK) != 0;
}

// "oom_kill 3" among other lines.
uint64_t number_behind(const std::string& text, const std::string& word) {
  for (const auto& line : split(text, '\n')) {
    if (!line.starts_with(word + " ")) continue;
    uint64_t number = 0;
    std::from_chars(line.data() + word.size() + 1, line.data() + line.size(), number);
    return number;
  }
  return 0;
}

class Group final : public ControlGroup {
 public:
  ~Group() override {
    for (const int descriptor : descriptors_) ::close(descriptor);
    remove_control_groups(folders_);
  }
  const std::vector<int>& descriptors() const override { return descriptors_; }
  const std::vector<std::string>& folders() const override { return folders_; }
  uint64_t killed_for_memory() const override {
    return memory_events_.empty() ? 0 : number_behind(read_text(memory_events_), "oom_kill");
  }

  Status limit(const std::string& controller, const Place& place, const std::string& name,
               const GroupLimits& limits) {
    const std::string folder = place.folder + "/" + name;
    if (!has(folders_, folder)) MEKONG_TRY(make_folder(folder));
    const auto set = [&](const std::string& file, uint64_t value) -> Status {
      return value == 0 ? ok() : write_text(folder + "/" + file, std::to_string(value));
    };
    if (controller == "pids") return set("pids.max", limits.processes_max);
    if (controller == "cpu" && place.version_2)
      return set("cpu.weight", std::min(limits.cpu_threads * weight_of_a_thread, weight_max));
    if (controller == "cpu") return set("cpu.shares", limits.cpu_threads * shares_of_a_thread);
    memory_events_ = folder + (place.version_2 ? "/memory.events" : "/memory.oom_control");
    if (!place.version_2) {
      MEKONG_TRY(set("memory.limit_in_bytes", limits.memory_bytes_max));
      const std::string with_swap = "memory.memsw.limit_in_bytes";  // kernels may lack it
      return ::access((folder + "/" + with_swap).c_str(), W_OK) == 0 ? set(with_swap, limits.memory_bytes_max)
                                                                     : ok();
    }
    MEKONG_TRY(set("memory.max", limits.memory_bytes_max));
    if (limits.memory_bytes_max == 0) return ok();
    if (::access((folder + "/memory.swap.max").c_str(), W_OK) == 0)
      MEKONG_TRY(write_text(folder + "/memory.swap.max", "0"));
    return write_text(folder + "/memory.oom.group", "1");
  }

 private:
  Status make_folder(const std::string& folder) {
    if (::mkdir(folder.c_str(), 0755) != 0) return errno_error(errno, "mkdir", folder);
    folders_.push_back(folder);
    const int descriptor = ::open((folder + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return errno_error(errno, "open", folder);
    descriptors_.push_back(descriptor);
    return ok();
  }

  std::vector<std::string> folders_;
  std::vector<int> descriptors_;
  std::string memory_events_;
};

class Found final : public ControlGroups {
 public:
  explicit Found(std::map<std::string, Place> places) : places_(std::move(places)) {
    for (const auto* name : wanted) {
      if (places_.contains(name)) controllers_.emplace_back(name);
    }
  }
  Result<std::unique_ptr<ControlGroup>> make(const std::string& name, const GroupLimits& limits) override {
    auto group = std::make_unique<Group>();
    for (const auto& [controller, place] : places_) MEKONG_TRY(group->limit(controller, place, name, limits));
    return std::unique_ptr<ControlGroup>(std::move(group));
  }
  const std::vector<std::string>& controllers() const override { return controllers_; }

 private:
  const std::map<std::string, Place> places_;
  std::vector<std::string> controllers_;
};

}  // namespace

std::unique_ptr<ControlGroups> find_control_groups(const std::string& own_groups, const std::string& mounts) {
  auto places = find_places(own_groups, mounts, opened_below);
  std::erase_if(places, closed);
  return std::make_unique<Found>(std::move(places));
}

ControlGroupsSeen look_for_control_groups(const std::string& own_groups, const std::string& mounts) {
  const auto places = find_places(own_groups, mounts, seen_below);
  ControlGroupsSeen out;
  for (const std::string name : wanted) {
    const auto place = places.find(name);
    if (place == places.end())
      out.hindrance += name + ": not mounted, or this process's group holds others; ";
    else if (closed(*place))
      out.hindrance += name + ": " + place->second.folder + " cannot be written; ";
    else
      out.controllers.push_back(name);
  }
  if (!out.hindrance.empty()) out.hindrance.resize(out.hindrance.size() - 2);
  return out;
}

void remove_control_groups(const std::vector<std::string>& folders) {
  for (const auto& folder : folders) {
    // A process that has just been buried may stand in it for a moment longer.
    for (int i = 0; i < removal_tries && ::rmdir(folder.c_str()) != 0 && errno == EBUSY; ++i) {
      ::usleep(removal_pause_us);
    }
  }
}

}  // namespace mekong::os
