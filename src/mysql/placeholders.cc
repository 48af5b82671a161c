#include "mysql/placeholders.h"

#include <charconv>

#include "mysql/sql_pieces.h"

namespace weir::mysql {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

Result<void> check_all_used(const PreparedText& text, size_t given) {
  std::vector<bool> used(given, false);
  for (const size_t argument : text.arguments) used[argument] = true;
  for (size_t i = 0; i < given; ++i) {
    if (!used[i]) {
      return fail(ErrorCode::sql, "the statement has no $" + std::to_string(i + 1) +
                                      ", but a value was given for it");
    }
  }
  return {};
}

}  // namespace

Result<PreparedText> prepared_text(std::string_view sql, size_t given) {
  PreparedText text;
  size_t at = 0;
  bool in_name = false;
  const auto copy_until = [&](size_t end) {
    text.sql.append(sql.substr(at, end - at));
    at = end;
  };
  while (at < sql.size()) {
    const char c = sql[at];
    if (const size_t end = piece_end(sql, at); end > at + 1) {
      copy_until(end);
      in_name = false;
    } else if (c == '$' && !in_name && at + 1 < sql.size() && is_digit(sql[at + 1])) {
      size_t number = 0;
      const auto [digits_end, error] =
          std::from_chars(sql.data() + at + 1, sql.data() + sql.size(), number);
      if (error != std::errc{} || number == 0 || number > given) {
        return fail(ErrorCode::sql, "the statement names a parameter that it is not given: " +
                                        std::string(sql.data() + at, digits_end));
      }
      text.sql += '?';
      text.arguments.push_back(number - 1);
      at = static_cast<size_t>(digits_end - sql.data());
    } else {
      in_name = is_name(c);
      copy_until(at + 1);
    }
  }
  WEIR_TRY(check_all_used(text, given));
  return text;
}

}  // namespace weir::mysql
