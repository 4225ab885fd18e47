#include "codec/form_data.h"

#include <algorithm>

#include "codec/text.h"

namespace mekong::codec {
namespace {

constexpr size_t boundary_bytes_max = 70;

Error malformed() {
  return {"MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.",
          400};
}

// `name` of `form-data; name="x"; filename="y"`; absent where it is not there. A quote may be escaped; other
// backslashes are the client's paths.
std::optional<std::string> parameter(std::string_view text, std::string_view name) {
  size_t at = text.find(';');
  while (at != std::string_view::npos) {
    text = trim(text.substr(at + 1));
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const bool wanted = equal_no_case(trim(text.substr(0, equals)), name);
    text = trim(text.substr(equals + 1));
    std::string value;
    if (text.starts_with('"')) {
      size_t end = 1;
      for (; end < text.size() && text[end] != '"'; ++end) {
        if (text[end] == '\\' && end + 1 < text.size() && text[end + 1] == '"') ++end;
        value += text[end];
      }
      if (end == text.size()) return std::nullopt;
      text.remove_prefix(end + 1);
      at = text.find(';');
    } else {
      at = text.find(';');
      value = trim(text.substr(0, at));
    }
    if (wanted) return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
  const std::string_view kind = trim(content_type.substr(0, content_type.find(';')));
  if (!equal_no_case(kind, "multipart/form-data")) return std::nullopt;
  auto boundary = parameter(content_type, "boundary");
  const bool fits = boundary && !boundary->empty() && boundary->size() <= boundary_bytes_max &&
                    std::ranges::all_of(*boundary, [](char c) { return c >= ' ' && c <= '~'; });
  return fits ? boundary : std::nullopt;
}

FormReader::FormReader(const std::string& boundary, size_t fields_bytes_max)
    : delimiter_("\r\n--" + boundary), fields_bytes_left_(fields_bytes_max) {}

Status FormReader::add(std::string_view bytes) {
  if (done()) return ok();
  buffer_ += bytes;
  if (phase_ != Phase::fields) return ok();
  return read_fields();
}

Result<std::optional<FormReader::Head>> FormReader::part_head() const {
  const std::string_view text = std::string_view(buffer_).substr(delimiter_.size());
  const size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::optional<Head>();
  std::optional<Head> head;
  for (std::string_view rest = text.substr(0, end + 2); !rest.empty();) {
    const size_t line_end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, line_end);
    rest.remove_prefix(line_end + 2);
    const size_t colon = line.find(':');
    if (line.empty() || !equal_no_case(line.substr(0, colon), "content-disposition")) continue;
    const std::string_view value = trim(line.substr(colon + 1));
    auto name = parameter(value, "name");
    if (head || !name || !equal_no_case(trim(value.substr(0, value.find(';'))), "form-data"))
      return malformed();
    head = Head{std::move(*name), parameter(value, "filename").value_or(""), delimiter_.size() + end + 4};
  }
  if (!head) return malformed();
  return head;
}

Status FormReader::read_fields() {
  const auto too_long = [this] { return buffer_.size() > fields_bytes_left_; };
  const Error exceeded{"MaxPostPreDataLengthExceeded",
                       "Your POST request fields preceding the upload file were too large.", 400};
  while (true) {
    const size_t known = std::min(buffer_.size(), delimiter_.size());
    if (buffer_.compare(0, known, delimiter_, 0, known) != 0) return malformed();
    const std::string_view after = std::string_view(buffer_).substr(known);
    if (after.size() < 2) return ok();
    if (after.starts_with("--")) {
      phase_ = Phase::done;
      return ok();
    }
    if (!after.starts_with("\r\n")) return malformed();
    MEKONG_TRY_ASSIGN(auto head, part_head());
    if (head && equal_no_case(head->name, "file")) {
      if (head->value_at > fields_bytes_left_) return exceeded;
      phase_ = Phase::file;
      has_file_ = true;
      filename_ = std::move(head->filename);
      buffer_.erase(0, head->value_at);
      return ok();
    }
    const size_t end = head ? buffer_.find(delimiter_, head->value_at) : std::string::npos;
    if (end == std::string::npos) return too_long() ? Status(exceeded) : ok();
    if (end > fields_bytes_left_) return exceeded;
    fields_.emplace_back(std::move(head->name), buffer_.substr(head->value_at, end - head->value_at));
    fields_bytes_left_ -= end;
    buffer_.erase(0, end);
  }
}

std::string FormReader::take_file() {
  if (phase_ != Phase::file) return {};
  const size_t end = buffer_.find(delimiter_);
  if (end != std::string::npos) {
    phase_ = Phase::done;
    std::string last = buffer_.substr(0, end);
    buffer_.clear();
    return last;
  }
  // What could be the delimiter's beginning waits for its rest.
  const size_t kept = std::min(buffer_.size(), delimiter_.size() - 1);
  std::string certain = buffer_.substr(0, buffer_.size() - kept);
  buffer_.erase(0, certain.size());
  return certain;
}

}  // namespace mekong::codec
