#pragma once

#include <string>

namespace weir::crypto {

/// Overwrites the text's memory, which no compiler leaves out, and empties it.
void wipe(std::string& text);

/// Wipes a text when the block that holds its secret ends, however it ends.
class WipedAtEnd {
 public:
  explicit WipedAtEnd(std::string& text) : text_(text) {}
  ~WipedAtEnd() { wipe(text_); }
  WipedAtEnd(const WipedAtEnd&) = delete;
  WipedAtEnd& operator=(const WipedAtEnd&) = delete;

 private:
  std::string& text_;
};

}  // namespace weir::crypto
