#include <algorithm>

#include "api/types.h"
#include "api/xml_wire.h"

namespace mekong::api {
namespace {

constexpr int kDepthMax = 128;

bool is_scalar(Kind kind) {
  return kind != Kind::list && kind != Kind::map && kind != Kind::structure;
}

bool has_prefix(const Form& form, std::string_view name) {
  auto it = form.lower_bound(name);
  return it != form.end() && std::string_view(it->first).starts_with(name);
}

std::string capital(std::string_view text) {
  std::string out(text);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 32);
  return out;
}

// One form, read by the rules of query or of ec2.
class FormReader {
 public:
  FormReader(const Form& form, bool ec2, Violations& violations)
      : form_(form), ec2_(ec2), violations_(violations) {}

  Status members(std::string_view prefix, const Shape& shape, void* out, const Path* at, Seen& seen) {
    for (size_t i = 0; i < shape.member_count; ++i) {
      const Member& member = shape.members[i];
      auto name = std::string(prefix) + wire_name(member);
      bool there = form_.find(name) != form_.end() ||
                   (!is_scalar(member.shape->kind) && has_prefix(form_, name + "."));
      if (!there) continue;
      Path path{at, member.name};
      seen.mark(member);
      MEKONG_TRY(value(name, member, member.set(out), &path));
    }
    return {};
  }

 private:
  std::string wire_name(const Member& member) const {
    if (!ec2_) return member.wire;
    return *member.query_name != 0 ? std::string(member.query_name) : capital(member.wire);
  }

  Status list(const std::string& prefix, const Shape& shape, void* out, const Path* at) {
    for (size_t i = 1;; ++i) {
      auto name = prefix + std::to_string(i);
      if (form_.find(name) == form_.end() && !has_prefix(form_, name + ".")) return {};
      Path path{at, {}, i};
      MEKONG_TRY(value(name, *shape.value, shape.list->append(out), &path));
    }
  }

  Status map(const std::string& prefix, const Shape& shape, void* out, const Path* at) {
    for (size_t i = 1;; ++i) {
      auto entry = prefix + std::to_string(i) + ".";
      auto key = form_.find(entry + shape.key->wire);
      if (key == form_.end()) return {};
      void* slot = shape.map->insert(out, key->second);
      MEKONG_TRY(value(entry + shape.value->wire, *shape.value, slot, at));
    }
  }

  Status value(const std::string& name, const Member& member, void* out, const Path* at) {
    // Shapes that hold themselves nest as deep as a name says.
    if (std::count(name.begin(), name.end(), '.') > kDepthMax)
      return Error{"SerializationException", "the parameters nest too deeply"};
    const Shape& shape = *member.shape;
    bool flat = ec2_ || member.flattened || shape.flattened;
    if (shape.kind == Kind::structure) {
      Seen seen(shape);
      MEKONG_TRY(members(name + ".", shape, out, at, seen));
      seen.report(at, violations_);
      return {};
    }
    if (shape.kind == Kind::list)
      return list(flat ? name + "." : name + "." + shape.value->wire + ".", shape, out, at);
    if (shape.kind == Kind::map) return map(flat ? name + "." : name + ".entry.", shape, out, at);
    auto it = form_.find(name);
    if (it == form_.end()) return {};
    return parse_scalar(member, it->second, TimeFormat::iso8601, out);
  }

  const Form& form_;
  const bool ec2_;
  Violations& violations_;
};

}  // namespace

Status read_query_members(const Form& form, std::string_view prefix, const Shape& shape, void* out,
                          const Path* at, Seen& seen, Violations& violations) {
  return FormReader(form, false, violations).members(prefix, shape, out, at, seen);
}

Status read_ec2_members(const Form& form, std::string_view prefix, const Shape& shape, void* out,
                        const Path* at, Seen& seen, Violations& violations) {
  return FormReader(form, true, violations).members(prefix, shape, out, at, seen);
}

}  // namespace mekong::api
