#include "services/athena/projection.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "catalog/catalog.h"
#include "services/athena/session.h"

namespace mekong::athena {
namespace {

namespace chrono = std::chrono;
using Seconds = chrono::sys_seconds;

constexpr size_t partitions_max = 200'000;

Error wrong(const std::string& key, const std::string& why) {
  return {"INVALID_TABLE_PROPERTY", fmt::format("Projection of the column {}: {}", key, why)};
}

// Of one key: projection.<key>.<name>.
class Properties {
 public:
  Properties(const catalog::Table& table, std::string key)
      : parameters_(table.parameters), key_(std::move(key)) {}
  const std::string& key() const { return key_; }
  std::optional<std::string> find(const std::string& name) const {
    const auto found = parameters_.find("projection." + key_ + "." + name);
    return found == parameters_.end() ? std::nullopt : std::optional(found->second);
  }
  Result<std::string> need(const std::string& name) const {
    auto found = find(name);
    if (!found) return wrong(key_, "the property " + name + " is missing");
    return std::move(*found);
  }

 private:
  const catalog::Parameters& parameters_;
  std::string key_;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const auto comma = text.find(',');
    parts.emplace_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// A format of java.time, as far as it is made of numbers: pieces are letters of one kind, or a literal text.
struct Piece {
  char letter = 0;  // 0: literal
  std::string text;
};

Result<std::vector<Piece>> pieces_of(const Properties& properties, std::string_view format) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < format.size();) {
    const char c = format[i];
    if (c == '\'') {
      const auto end = std::min(format.find('\'', i + 1), format.size());
      pieces.push_back({0, std::string(format.substr(i + 1, end - i - 1))});
      i = end + 1;
      continue;
    }
    size_t end = i + 1;
    while (std::isalpha(c) && end < format.size() && format[end] == c) ++end;
    const auto text = std::string(format.substr(i, end - i));
    if (std::isalpha(c) &&
        (std::string_view("yuMdHms").find(c) == std::string_view::npos || (c == 'M' && text.size() > 2))) {
      return Error{"NotImplemented", fmt::format("projection of {}: the letters {} in a date format are not "
                                                 "implemented",
                                                 properties.key(), text)};
    }
    pieces.push_back({std::isalpha(c) ? c : '\0', text});
    i = end;
  }
  return pieces;
}

std::string print(const std::vector<Piece>& pieces, Seconds time) {
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss clock(time - day);
  std::string out;
  for (const auto& piece : pieces) {
    const int width = static_cast<int>(piece.text.size());
    int64_t value = 0;
    switch (piece.letter) {
      case 0:
        out += piece.text;
        continue;
      case 'M':
        value = static_cast<unsigned>(date.month());
        break;
      case 'd':
        value = static_cast<unsigned>(date.day());
        break;
      case 'H':
        value = clock.hours().count();
        break;
      case 'm':
        value = clock.minutes().count();
        break;
      case 's':
        value = clock.seconds().count();
        break;
      default:
        value = static_cast<int>(date.year()) % (width == 2 ? 100 : 10'000);
    }
    out += fmt::format("{:0{}}", value, width);
  }
  return out;
}

std::optional<Seconds> read(const std::vector<Piece>& pieces, std::string_view text) {
  std::map<char, int64_t> fields = {{'y', 1970}, {'M', 1}, {'d', 1}, {'H', 0}, {'m', 0}, {'s', 0}};
  for (const auto& piece : pieces) {
    const auto part = text.substr(0, piece.text.size());
    if (piece.letter == 0 && part != piece.text) return std::nullopt;
    if (piece.letter != 0) {
      const auto value = number(part);
      if (!value || part.size() != piece.text.size()) return std::nullopt;
      fields[piece.letter == 'u' ? 'y' : piece.letter] =
          part.size() == 2 && (piece.letter == 'y' || piece.letter == 'u') ? *value + 2000 : *value;
    }
    text.remove_prefix(part.size());
  }
  const chrono::year_month_day date(chrono::year(static_cast<int>(fields['y'])),
                                    chrono::month(static_cast<unsigned>(fields['M'])),
                                    chrono::day(static_cast<unsigned>(fields['d'])));
  if (!text.empty() || !date.ok()) return std::nullopt;
  return chrono::sys_days(date) + chrono::hours(fields['H']) + chrono::minutes(fields['m']) +
         chrono::seconds(fields['s']);
}

// `count` units later, months and years by the calendar.
std::optional<Seconds> moved(Seconds time, int64_t count, std::string unit) {
  if (unit.ends_with('S')) unit.pop_back();
  const std::map<std::string, int64_t> lengths = {
      {"SECOND", 1}, {"MINUTE", 60}, {"HOUR", 3600}, {"DAY", 86'400}, {"WEEK", 7 * 86'400}};
  if (const auto found = lengths.find(unit); found != lengths.end()) {
    return time + chrono::seconds(count * found->second);
  }
  if (unit != "MONTH" && unit != "YEAR") return std::nullopt;
  const auto day = chrono::floor<chrono::days>(time);
  chrono::year_month_day date(day);
  date += chrono::months(unit == "YEAR" ? count * 12 : count);
  if (!date.ok()) date = date.year() / date.month() / chrono::last;
  return chrono::sys_days(date) + (time - day);
}

// A bound of a range: a date, or NOW, or NOW+3DAYS.
std::optional<Seconds> bound(const std::vector<Piece>& pieces, std::string_view text, Seconds now) {
  if (!text.starts_with("NOW")) return read(pieces, text);
  std::string rest;
  for (const char c : text.substr(3)) {
    if (c != ' ') rest += c;
  }
  if (rest.empty()) return now;
  size_t digits = 1;
  while (digits < rest.size() && std::isdigit(rest[digits])) ++digits;
  const auto count = number(std::string_view(rest).substr(1, digits - 1));
  if (!count || (rest[0] != '+' && rest[0] != '-')) return std::nullopt;
  return moved(now, rest[0] == '-' ? -*count : *count, rest.substr(digits));
}

// Athena's defaults: the smallest unit that the format shows; without an hour a day.
std::string smallest_unit(const std::vector<Piece>& pieces) {
  constexpr std::pair<char, const char*> units[] = {
      {'s', "SECONDS"}, {'m', "MINUTES"}, {'H', "HOURS"}, {'d', "DAYS"}, {'M', "MONTHS"}};
  for (const auto& [letter, unit] : units) {
    for (const auto& piece : pieces) {
      if (piece.letter == letter) return unit;
    }
  }
  return "YEARS";
}

Result<std::vector<std::string>> dates(const Properties& properties, int64_t now_ms) {
  MEKONG_TRY_ASSIGN(const auto range, properties.need("range"));
  MEKONG_TRY_ASSIGN(const auto format, properties.need("format"));
  MEKONG_TRY_ASSIGN(const auto pieces, pieces_of(properties, format));
  const auto bounds = split(range);
  const Seconds now{chrono::seconds(now_ms / 1000)};
  const auto first = bound(pieces, bounds.front(), now);
  const auto last = bound(pieces, bounds.back(), now);
  const auto step = number(properties.find("interval").value_or("1"));
  const auto unit = properties.find("interval.unit").value_or(smallest_unit(pieces));
  if (bounds.size() != 2 || !first || !last || !step || *step < 1 || !moved(now, 1, unit)) {
    return wrong(properties.key(), "range, format or interval cannot be read");
  }
  std::vector<std::string> values;
  for (int64_t i = 0; values.size() <= partitions_max; ++i) {
    const auto at = *moved(*first, i * *step, unit);
    if (at > *last) break;
    auto text = print(pieces, at);
    if (values.empty() || values.back() != text) values.push_back(std::move(text));
  }
  return values;
}

Result<std::vector<std::string>> integers(const Properties& properties) {
  MEKONG_TRY_ASSIGN(const auto range, properties.need("range"));
  const auto bounds = split(range);
  const auto first = number(bounds.front()), last = number(bounds.back());
  const auto step = number(properties.find("interval").value_or("1"));
  const auto digits = number(properties.find("digits").value_or("0"));
  if (bounds.size() != 2 || !first || !last || !step || *step < 1 || !digits || *digits < 0 || *digits > 18) {
    return wrong(properties.key(), "range, interval or digits cannot be read");
  }
  std::vector<std::string> values;
  for (int64_t i = *first; i <= *last && values.size() <= partitions_max; i += *step) {
    values.push_back(fmt::format("{:0{}}", i, *digits));
  }
  return values;
}

Result<std::vector<std::string>> values_of(const Properties& properties, int64_t now_ms) {
  MEKONG_TRY_ASSIGN(const auto written, properties.need("type"));
  const auto type = catalog::fold_name(written);
  if (type == "date") return dates(properties, now_ms);
  if (type == "integer") return integers(properties);
  if (type == "injected") {
    return Error{"NotImplemented", "partition projection of the type injected is not implemented"};
  }
  if (type != "enum") return wrong(properties.key(), "unknown type " + type);
  MEKONG_TRY_ASSIGN(const auto values, properties.need("values"));
  return split(values);
}

std::string location_of(const catalog::Table& table, const std::vector<std::string>& values) {
  const auto found = table.parameters.find("storage.location.template");
  if (found == table.parameters.end()) {
    return as_folder(table.storage->location) + partition_path(table.partition_keys, values) + "/";
  }
  std::string location = found->second;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto name = "${" + table.partition_keys[i].name + "}";
    for (size_t at = 0; (at = location.find(name, at)) != std::string::npos; at += values[i].size()) {
      location.replace(at, name.size(), values[i]);
    }
  }
  return as_folder(location);
}

}  // namespace

bool is_projected(const catalog::Table& table) {
  const auto found = table.parameters.find("projection.enabled");
  return found != table.parameters.end() && catalog::fold_name(found->second) == "true";
}

Result<std::vector<catalog::Partition>> projected_partitions(const catalog::Table& table, int64_t now_ms) {
  std::vector<std::vector<std::string>> all = {{}};
  for (const auto& key : table.partition_keys) {
    MEKONG_TRY_ASSIGN(const auto values, values_of(Properties(table, key.name), now_ms));
    if (all.size() * values.size() > partitions_max) {
      return Error{"NotImplemented", "a projection of more than 200,000 partitions is not implemented"};
    }
    std::vector<std::vector<std::string>> longer;
    for (const auto& begin : all) {
      for (const auto& value : values) {
        longer.push_back(begin);
        longer.back().push_back(value);
      }
    }
    all = std::move(longer);
  }
  std::vector<catalog::Partition> partitions;
  for (auto& values : all) {
    auto& partition = partitions.emplace_back();
    partition.storage = table.storage;
    partition.storage->location = location_of(table, values);
    partition.values = std::move(values);
  }
  return partitions;
}

}  // namespace mekong::athena
