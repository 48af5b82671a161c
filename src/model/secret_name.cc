#include "model/secret_name.h"

#include <algorithm>

namespace weir {
namespace {

constexpr size_t longest_name = 100;

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

Result<void> check_secret_name(std::string_view name) {
  const bool sound = !name.empty() && name.size() <= longest_name && letter(name[0]) &&
                     std::all_of(name.begin(), name.end(), [](char c) {
                       return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
                     });
  if (!sound) {
    return fail(ErrorCode::usage, "this cannot be the name of a secret",
                "names begin with a letter and go on with letters, digits, '_' and '-', at most "
                "100 of them");
  }
  if (secret_variable(name) == sealing_key_variable) {
    return fail(ErrorCode::usage, "no secret can be named 'key'",
                std::string("its variable, ") + sealing_key_variable +
                    ", holds the key that seals the others; choose another name");
  }
  return {};
}

std::string secret_variable(std::string_view name) {
  std::string variable = "WEIR_SECRET_";
  for (const char c : name) {
    variable += c == '-' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return variable;
}

}  // namespace weir
