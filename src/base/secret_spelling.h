#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

/// Finds one value in texts, in every spelling that redact() promises.
class SecretSpelling {
 public:
  explicit SecretSpelling(std::string value);

  const std::string& value() const { return value_; }
  /// Begin and end of the first occurrence at or behind `from`; npos twice when there is none.
  std::pair<size_t, size_t> find(std::string_view text, size_t from) const;

 private:
  struct Form {
    std::string text;
    size_t before = 0;  ///< so many characters in front of it tell some of the value's bits
    size_t after = 0;   ///< the same behind it
  };
  void add_base64(size_t before, std::string_view last_two);
  void add(Form form, size_t shortest);

  std::string value_;
  std::vector<Form> forms_;  ///< as it is, in hexadecimal, in Base64
};

}  // namespace weir
