#include "codec/record.h"

#include <boost/json.hpp>
#include <charconv>

namespace mekong::codec::record {
namespace json = boost::json;

namespace {
const json::value& as_json(const void* value) {
  return *static_cast<const json::value*>(value);
}
}  // namespace

struct Document::Impl {
  json::monotonic_resource memory;
  json::value value = json::value(json::storage_ptr(&memory));
};

Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::Document(Document&&) noexcept = default;
Document::~Document() = default;
Node Document::root() const {
  return Node(&impl_->value);
}

Result<Document> Document::parse(std::string_view json_text) {
  auto impl = std::make_unique<Impl>();
  json::parse_options options;
  options.allow_invalid_utf8 = true;  // strings carry any bytes
  boost::system::error_code error;
  impl->value = json::parse(json_text, error, &impl->memory, options);
  if (error || !impl->value.is_object()) {
    return Error{"CorruptRecord", "a stored record is no JSON object: " + error.message()};
  }
  return Document(std::move(impl));
}

std::optional<std::string_view> Node::text() const {
  const auto* text = as_json(value_).if_string();
  if (text == nullptr) return std::nullopt;
  return std::string_view(text->data(), text->size());
}

std::optional<int64_t> Node::integer() const {
  const auto& value = as_json(value_);
  if (const auto* number = value.if_int64()) return *number;
  if (const auto* number = value.if_uint64()) return static_cast<int64_t>(*number);
  return std::nullopt;
}

std::optional<double> Node::number() const {
  const auto& value = as_json(value_);
  if (const auto* number = value.if_double()) return *number;
  if (const auto whole = integer()) return static_cast<double>(*whole);
  return std::nullopt;
}

std::optional<bool> Node::boolean() const {
  const auto* boolean = as_json(value_).if_bool();
  return boolean == nullptr ? std::nullopt : std::optional(*boolean);
}

bool Node::is_object() const {
  return as_json(value_).is_object();
}

const void* Node::member(std::string_view name) const {
  const auto* object = as_json(value_).if_object();
  return object == nullptr ? nullptr : object->if_contains({name.data(), name.size()});
}

void Node::each_item(const std::function<void(Node)>& visit) const {
  const auto* array = as_json(value_).if_array();
  if (array == nullptr) return;
  for (const auto& item : *array) visit(Node(&item));
}

void Node::each_member(const std::function<void(std::string_view, Node)>& visit) const {
  const auto* object = as_json(value_).if_object();
  if (object == nullptr) return;
  for (const auto& pair : *object) {
    visit(std::string_view(pair.key().data(), pair.key().size()), Node(&pair.value()));
  }
}

void write_string(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void write_double(std::string& out, double number) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific).ptr;
  out.append(buffer, end);
}

}  // namespace mekong::codec::record
