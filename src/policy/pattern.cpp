#include "policy/pattern.h"

#include <algorithm>

namespace mekong::policy {
namespace {

constexpr uint16_t any_run = 0x100;
constexpr uint16_t any_one = 0x101;
constexpr size_t arn_head_parts = 5;

uint16_t fold(uint16_t c) {
  return c >= 'A' && c <= 'Z' ? static_cast<uint16_t>(c - 'A' + 'a') : c;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

Glob Glob::of(std::string_view text) {
  Glob glob;
  glob.add_wild(text);
  return glob;
}

void Glob::add(Symbol symbol) {
  const bool literal = symbol != any_run && symbol != any_one;
  if (literal && head_.size() == symbols_.size()) head_ += static_cast<char>(symbol);
  symbols_.push_back(symbol);
}

void Glob::add_literal(std::string_view text) {
  for (char c : text) add(static_cast<unsigned char>(c));
}

void Glob::add_wild(std::string_view text) {
  for (char c : text) add(c == '*' ? any_run : c == '?' ? any_one : static_cast<unsigned char>(c));
}

bool Glob::reaches_into(std::string_view prefix, Case letters) const {
  // Where in the glob one may stand after each byte of the prefix.
  std::vector<bool> now(symbols_.size() + 1);
  auto stand = [&](std::vector<bool>& places, size_t at) {
    places[at] = true;
    while (at < symbols_.size() && symbols_[at] == any_run) places[++at] = true;
  };
  stand(now, 0);
  for (char byte : prefix) {
    const uint16_t c = static_cast<unsigned char>(byte);
    std::vector<bool> next(now.size());
    for (size_t at = 0; at < symbols_.size(); ++at) {
      if (!now[at]) continue;
      const Symbol symbol = symbols_[at];
      const bool same = symbol == c || (letters == Case::ignored && fold(symbol) == fold(c));
      if (symbol == any_run) stand(next, at);
      if (symbol == any_one || same) stand(next, at + 1);
    }
    now = std::move(next);
  }
  return std::find(now.begin(), now.end() - 1, true) != now.end() - 1;
}

bool Glob::match(const Symbol* p, const Symbol* end, std::string_view text, Case letters) {
  const Symbol* star = nullptr;
  size_t at = 0, star_at = 0;
  while (at < text.size()) {
    const uint16_t c = static_cast<unsigned char>(text[at]);
    const bool same = p != end && *p != any_run &&
                      (*p == any_one || *p == c || (letters == Case::ignored && fold(*p) == fold(c)));
    if (same) {
      ++p, ++at;
    } else if (p != end && *p == any_run) {
      star = p++;
      star_at = at;
    } else if (star != nullptr) {
      p = star + 1;
      at = ++star_at;
    } else {
      return false;
    }
  }
  while (p != end && *p == any_run) ++p;
  return p == end;
}

bool Glob::matches(std::string_view text, Case letters) const {
  return match(symbols_.data(), symbols_.data() + symbols_.size(), text, letters);
}

bool Glob::matches_arn(std::string_view arn) const {
  if (!arn.starts_with(head_)) return false;
  const Symbol* p = symbols_.data();
  const Symbol* const end = p + symbols_.size();
  if (symbols_.size() == 1 && *p == any_run) return true;
  for (size_t part = 0; part < arn_head_parts; ++part) {
    const size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return false;
    const Symbol* const stop = std::find(p, end, static_cast<Symbol>(':'));
    if (!match(p, stop, arn.substr(0, colon), Case::exact)) return false;
    arn.remove_prefix(colon + 1);
    if (stop == end) return p != stop && *(stop - 1) == any_run;  // "arn:aws:sqs:*": completed with '*'
    p = stop + 1;
  }
  return match(p, end, arn, Case::exact);
}

Pattern::Pattern(std::string_view text, Variables variables) : source_(text) {
  size_t at = 0;
  while (variables == Variables::substituted && at < text.size()) {
    const size_t open = text.find("${", at);
    const size_t close = open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) break;
    if (open > at) parts_.push_back({.text = std::string(text.substr(at, open - at))});
    add_variable(text.substr(open + 2, close - open - 2));
    at = close + 1;
  }
  if (at < text.size()) parts_.push_back({.text = std::string(text.substr(at))});
  const bool fixed = std::none_of(parts_.begin(), parts_.end(), [](const Part& p) { return p.variable; });
  if (fixed) fixed_ = Glob::of(text);
}

void Pattern::add_variable(std::string_view body) {
  Part part{.variable = true};
  const size_t comma = body.find(',');
  part.written = trim(body.substr(0, comma));
  part.text = lower(part.written);
  if (comma != std::string_view::npos) {
    std::string_view fallback = trim(body.substr(comma + 1));
    if (fallback.size() >= 2 && fallback.front() == '\'' && fallback.back() == '\'') {
      part.fallback = fallback.substr(1, fallback.size() - 2);
    }
  }
  parts_.push_back(std::move(part));
}

std::vector<std::string> Pattern::variables() const {
  std::vector<std::string> out;
  for (const Part& part : parts_) {
    if (part.variable && part.text.size() > 1) out.push_back(part.written);  // not ${*}, ${?}, ${$}
  }
  return out;
}

std::optional<std::string_view> Pattern::value(const Part& part, const Context& context) const {
  if (part.text == "*" || part.text == "?" || part.text == "$") return part.text;
  const auto* values = context.find(part.text);
  if (values != nullptr && values->size() == 1) return values->front();
  return part.fallback;
}

const Glob* Pattern::glob(const Context& context, Glob& made) const {
  if (fixed_) return &*fixed_;
  for (const Part& part : parts_) {
    if (!part.variable) {
      made.add_wild(part.text);
      continue;
    }
    const auto found = value(part, context);
    if (!found) return nullptr;
    made.add_literal(*found);
  }
  return &made;
}

std::optional<std::string_view> Pattern::text(const Context& context, std::pmr::string& made) const {
  if (fixed_) return source_;
  for (const Part& part : parts_) {
    const auto found = part.variable ? value(part, context) : part.text;
    if (!found) return std::nullopt;
    made += *found;
  }
  return made;
}

}  // namespace mekong::policy
