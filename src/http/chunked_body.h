#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::http {

/// Takes a chunked body (RFC 9112, section 7.1) apart as its bytes come. Strict: sizes are plain
/// hexadecimal digits, lines end in CRLF, extensions are passed over, trailers are dropped.
class ChunkedBody {
 public:
  enum class State { more, done, wrong, too_long };

  explicit ChunkedBody(uint64_t most_bytes) : most_bytes_(most_bytes) {}

  /// Takes bytes off the front of `bytes` as far as they belong to the body, and appends the data.
  State feed(std::string_view& bytes, std::string& data);

 private:
  /// A chunk's own line and the trailers, in bytes.
  static constexpr size_t most_line_bytes = 4096;
  /// Bytes on the wire per byte of data ("1\r\nx\r\n"), and some for the end.
  static constexpr uint64_t most_overhead = 8;
  static constexpr uint64_t allowance = 64 * 1024;

  enum class Part { size, data, data_end, trailers };

  State take_line(std::string_view& bytes);
  State end_of_line();
  State begin_chunk();
  bool is_good_trailer() const;

  const uint64_t most_bytes_;
  Part part_ = Part::size;
  std::string line_;         // as far as it came
  uint64_t left_ = 0;        // of the chunk's data
  uint64_t data_bytes_ = 0;  // in all
  uint64_t wire_bytes_ = 0;  // in all
  size_t trailer_bytes_ = 0;
};

}  // namespace weir::http
