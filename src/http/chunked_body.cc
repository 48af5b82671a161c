#include "http/chunked_body.h"

#include <algorithm>
#include <charconv>

namespace weir::http {
namespace {

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return word || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_name(std::string_view text, std::string_view lower_case) {
  return std::ranges::equal(text, lower_case, [](char c, char lower) {
    return (c >= 'A' && c <= 'Z' ? c | 32 : c) == lower;
  });
}

}  // namespace

ChunkedBody::State ChunkedBody::feed(std::string_view& bytes, std::string& data) {
  while (!bytes.empty()) {
    const size_t before = bytes.size();
    if (part_ == Part::data) {
      const size_t length = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
      data.append(bytes.substr(0, length));
      bytes.remove_prefix(length);
      left_ -= length;
      if (left_ == 0) part_ = Part::data_end;
    } else if (const State state = take_line(bytes); state != State::more) {
      return state;
    }
    wire_bytes_ += before - bytes.size();
    if (wire_bytes_ > most_overhead * most_bytes_ + allowance) return State::wrong;
  }
  return State::more;
}

/// Adds to the line what there is of it; acts on it once it is whole.
ChunkedBody::State ChunkedBody::take_line(std::string_view& bytes) {
  while (!bytes.empty()) {
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (line_.ends_with('\r')) {
      if (c != '\n') return State::wrong;
      line_.pop_back();
      const State state = end_of_line();
      line_.clear();
      return state;
    }
    const bool control =
        (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') || c == 0x7F;
    if (control || line_.size() >= most_line_bytes) return State::wrong;
    if (part_ == Part::data_end && c != '\r') return State::wrong;
    line_ += c;
  }
  return State::more;
}

ChunkedBody::State ChunkedBody::end_of_line() {
  switch (part_) {
    case Part::size: return begin_chunk();
    case Part::data_end: part_ = Part::size; return State::more;
    case Part::data: return State::wrong;
    case Part::trailers: break;
  }
  if (line_.empty()) return State::done;
  trailer_bytes_ += line_.size();
  return is_good_trailer() && trailer_bytes_ <= most_line_bytes ? State::more : State::wrong;
}

ChunkedBody::State ChunkedBody::begin_chunk() {
  constexpr int hexadecimal = 16;
  const char* const begin = line_.data();
  const char* const line_end = begin + line_.size();
  const auto [end, error] = std::from_chars(begin, line_end, left_, hexadecimal);
  if (error == std::errc::result_out_of_range) return State::too_long;
  if (error != std::errc() || (end != line_end && *end != ';')) return State::wrong;
  if (left_ > most_bytes_ - data_bytes_) return State::too_long;
  data_bytes_ += left_;
  part_ = left_ == 0 ? Part::trailers : Part::data;
  return State::more;
}

/// What a trailer must not say: where the message ends.
bool ChunkedBody::is_good_trailer() const {
  const std::string_view line = line_;
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon);
  return is_token(name) && !is_name(name, "transfer-encoding") &&
         !is_name(name, "content-length") && !is_name(name, "host");
}

}  // namespace weir::http
