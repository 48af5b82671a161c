#include "mysql/refusal.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace weir::mysql {
namespace {

template <size_t Size>
constexpr bool contains(const std::array<unsigned, Size>& numbers, unsigned number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

// Numbers below 1000 and from 2000 to 2999 are the client library's, 4000 and up MariaDB's,
// 3000 to 3999 mostly MySQL's. https://mariadb.com/kb/en/mariadb-error-codes/
constexpr std::array lost = {1053U, 1077U, 1079U, 1152U, 1158U, 1159U, 1160U, 1161U,
                             1184U, 1927U, 2000U, 2001U, 2002U, 2003U, 2005U, 2006U,
                             2012U, 2013U, 2014U, 2026U, 2027U, 2055U, 4031U};
constexpr std::array held = {1040U, 1203U, 1205U, 1206U, 1213U, 1226U,
                             1614U, 1637U, 1969U, 3024U, 3572U, 3058U};
constexpr std::array full = {3U, 1021U, 1026U, 1114U};
constexpr std::array stopped = {1317U, 3168U};
/// Of a row although their SQLSTATE does not tell: HY000 and 01000.
constexpr std::array of_a_row = {1265U, 1366U, 1369U, 1526U, 1748U, 3819U, 4025U};
/// Of the statement although their SQLSTATE is of class 23: an ambiguous name, and a foreign key
/// that a table or index would break.
constexpr std::array of_the_statement = {1052U, 1217U, 1215U};

std::string between(std::string_view text, std::string_view before, char end) {
  const size_t at = text.find(before);
  if (at == std::string_view::npos) return {};
  const size_t begin = at + before.size();
  const size_t stop = text.find(end, begin);
  return stop == std::string_view::npos ? std::string{}
                                        : std::string(text.substr(begin, stop - begin));
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

/// "… for column 'c' at row 1", "… for column `db`.`t`.`c` at row 1", "Column 'c' cannot be null".
std::string column_of(std::string_view message) {
  // The last one: a value that the message quotes may hold the same words.
  const size_t at = message.rfind("column ");
  const size_t start = at != std::string_view::npos ? at : message.find("Column ");
  if (start == std::string_view::npos) return {};
  std::string_view rest = message.substr(start + 7);
  if (rest.starts_with("'")) return last_part(between(rest, "'", '\''));
  if (!rest.starts_with("`")) return {};
  rest = rest.substr(0, rest.find("` at row"));
  const size_t dot = rest.rfind("`.`");
  const std::string_view name =
      dot == std::string_view::npos ? rest.substr(1) : rest.substr(dot + 3);
  return std::string(name.substr(0, name.find('`')));
}

std::string key_of(const std::string& message) {
  const size_t at = message.rfind("for key '");
  if (at == std::string::npos) return {};
  return last_part(between(std::string_view(message).substr(at), "for key '", '\''));
}

/// "… at row 17": in the order of the statement's rows; 0 where it does not say.
uint64_t row_of(std::string_view message) {
  static constexpr std::string_view before = " at row ";
  const size_t at = message.rfind(before);
  uint64_t row = 0;
  if (at == std::string_view::npos) return row;
  const char* end = message.data() + message.size();
  const auto [stop, failed] = std::from_chars(message.data() + at + before.size(), end, row);
  return stop == end && failed == std::errc() ? row : 0;
}

void name_the_rule(const ServerError& error, server::Refusal& refusal) {
  const std::string& message = error.message;
  switch (error.number) {
    case 1062:
    case 1586: refusal.constraint = key_of(message); break;
    case 1451:
    case 1452: {
      refusal.constraint = between(message, "CONSTRAINT `", '`');
      const size_t begin = message.find("FOREIGN KEY (");
      const size_t end = message.find(") REFERENCES", begin == std::string::npos ? 0 : begin);
      if (begin == std::string::npos || end == std::string::npos) break;
      const std::string columns = message.substr(begin + 13, end - begin - 13);
      if (columns.find(',') == std::string::npos) refusal.column = between(columns, "`", '`');
      break;
    }
    case 4025: {
      refusal.constraint = between(message, "CONSTRAINT `", '`');
      // A column's own check is called table.column.
      if (const size_t dot = refusal.constraint.rfind('.'); dot != std::string::npos) {
        refusal.column = refusal.constraint.substr(dot + 1);
      }
      break;
    }
    case 3819: refusal.constraint = between(message, "Check constraint '", '\''); break;
    default: refusal.column = column_of(message);
  }
}

}  // namespace

bool loses_connection(unsigned number) { return contains(lost, number); }

bool loses_transaction(unsigned number) {
  return number == 1205 || number == 1206 || number == 1213 || number == 1614;
}

ErrorCode error_code(const ServerError& error) {
  if (contains(lost, error.number)) return ErrorCode::unavailable;
  if (contains(held, error.number)) return ErrorCode::busy;
  if (contains(full, error.number)) return ErrorCode::io;
  if (contains(stopped, error.number)) return ErrorCode::cancelled;
  // "Got error 28 … from storage engine": the handler's text for ENOSPC.
  if (error.number == 1030 && error.message.find("error 28 ") != std::string::npos) {
    return ErrorCode::io;
  }
  return ErrorCode::sql;
}

Error to_error(const ServerError& error, std::string_view server) {
  std::string message = std::string(server) + " error " + std::to_string(error.number);
  if (!error.state.empty()) message += " (" + error.state + ")";
  message += ": " + error.message;
  std::string fix;
  switch (error.number) {
    case 1044:
    case 1045:
    case 1698: fix = "check the user, the password and the host the user may come from"; break;
    case 1049: fix = "create the database, or name another one in the URL"; break;
    case 1153: fix = "raise max_allowed_packet on the server"; break;
    case 1021:
    case 1114: fix = "make room where the server keeps its data"; break;
    case 2026: fix = "check the tls options: the authority, and the name in the certificate"; break;
    default: break;
  }
  return {error_code(error), std::move(message), std::move(fix)};
}

server::Refusal to_refusal(const ServerError& error) {
  server::Refusal refusal;
  refusal.state = error.state;
  refusal.message = error.message;
  const std::string_view kind = std::string_view(error.state).substr(0, 2);
  refusal.by_row = (kind == "22" || kind == "23" || kind == "45" || error.number == 1644 ||
                    contains(of_a_row, error.number)) &&
                   !contains(of_the_statement, error.number);
  if (!refusal.by_row) return refusal;
  name_the_rule(error, refusal);
  refusal.row = row_of(error.message);
  return refusal;
}

}  // namespace weir::mysql
