// multipart/form-data as a browser sends it, read as it arrives: fields, then one file in pieces (RFC 7578).
//
//   --BOUNDARY CRLF headers CRLF CRLF value CRLF --BOUNDARY … CRLF --BOUNDARY--
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mekong::codec {

// Of a Content-Type header; absent where it is no form or its boundary no boundary (1 to 70 bytes).
std::optional<std::string> form_boundary(std::string_view content_type);

// Used by one coroutine. The part named "file" ends the fields; what follows it is dropped.
class FormReader {
 public:
  // Fields with their headers and boundaries take at most `fields_bytes_max`.
  FormReader(const std::string& boundary, size_t fields_bytes_max);

  // Bytes off the wire. Errors: "MalformedPOSTRequest", "MaxPostPreDataLengthExceeded".
  Status add(std::string_view bytes);
  // Fields are complete: a file begins, or the form has ended without one.
  bool at_file() const { return phase_ == Phase::file || done(); }
  bool done() const { return phase_ == Phase::done; }
  bool has_file() const { return has_file_; }

  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }  // in order
  const std::string& filename() const { return filename_; }  // as the client wrote it
  // Bytes of the file that are certain by now; may be empty before done().
  std::string take_file();

 private:
  enum class Phase { fields, file, done };
  // One part: what it is named, and where its value begins in buffer_. Absent: not all of it is there yet.
  struct Head {
    std::string name, filename;
    size_t value_at = 0;
  };
  Status read_fields();
  Result<std::optional<Head>> part_head() const;

  std::string delimiter_;  // CRLF "--" boundary
  size_t fields_bytes_left_;
  Phase phase_ = Phase::fields;
  bool has_file_ = false;
  std::string buffer_ = "\r\n";
  std::vector<std::pair<std::string, std::string>> fields_;
  std::string filename_;
};

}  // namespace mekong::codec
