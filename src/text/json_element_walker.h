#pragma once

#include <cstdint>
#include <string>

namespace weir::text {

/// Follows the elements of a damaged JSON array, byte by byte, by what JSON allows: a string ends
/// with its line; a closing bracket closes all that is open inside of its pair, and nothing when it
/// has none; a '{' where an object wants a key or its end, behind a comma or on a new line, says
/// that the objects around it were never closed, and begins the next item of the array they are in.
class ElementWalker {
 public:
  enum class Step {
    going,
    ended,   ///< the byte is the element's separator
    closed,  ///< the byte is the array's ']'
    broken,  ///< the byte is a '{' that begins the next element; a comma or a blank is before it
  };
  Step look(char c);

  /// Starts with the next element.
  void begin_element() { *this = {}; }
  /// Nothing of the element is open.
  bool at_top() const { return open_.empty() && !in_string_; }

 private:
  void look_in_string(char c);
  Step look_at_brace();
  void open(char c);
  void close(char opened);

  std::string open_;     // the brackets, as far as anybody nests them
  uint64_t deeper_ = 0;  // how many more there are
  bool in_string_ = false;
  bool escaped_ = false;
  char before_ = '\0';     // the last byte that is not blank; '"' for a string
  bool line_end_ = false;  // one came behind it
};

}  // namespace weir::text
