#include "postgres/failure.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

namespace weir::postgres {

namespace {

/// libpq's messages end in a newline, and explain themselves on lines that begin with a tab.
std::string one_line(std::string_view text) {
  std::string line;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view part = text.substr(at, end - at);
    part.remove_prefix(std::min(part.find_first_not_of(" \t\r"), part.size()));
    if (!part.empty() && !line.empty()) line += "; ";
    line += part;
    at = end + 1;
  }
  return line;
}

std::string field(const PGresult* result, int code) {
  const char* value = PQresultErrorField(result, code);
  return value == nullptr ? std::string() : std::string(value);
}

/// Where a bulk load was when it failed.
struct CopyPlace {
  uint64_t row = 0;    // 0: it does not say
  std::string column;  // likewise
};

/// "COPY hits, line 17, column x: "value"".
CopyPlace copy_place(std::string_view context) {
  const size_t copy = context.find("COPY ");
  if (copy == std::string_view::npos) return {};
  // The table's name comes before it, and may hold these words itself.
  std::string_view line = context.substr(copy, context.find('\n', copy) - copy);
  static constexpr std::string_view before_row = ", line ";
  static constexpr std::string_view before_column = ", column ";
  const size_t at = line.find(before_row);
  if (at == std::string_view::npos || line.find(before_row, at + 1) != std::string_view::npos) {
    return {};
  }
  line.remove_prefix(at + before_row.size());
  CopyPlace place;
  std::from_chars(line.data(), line.data() + line.size(), place.row);
  const size_t column = line.find(before_column);
  if (column == std::string_view::npos) return place;
  line.remove_prefix(column + before_column.size());
  place.column = line.substr(0, line.find(": "));
  return place;
}

/// "PL/pgSQL function refuse_odd() line 3 at RAISE", the innermost one: its name; empty where there
/// is none.
std::string routine_of(std::string_view context) {
  static constexpr std::string_view before = " function ";
  const std::string_view first_line = context.substr(0, context.find('\n'));
  const size_t at = first_line.find(before);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = first_line.substr(at + before.size());
  return std::string(rest.substr(0, rest.find(" line ")));
}

/// The classes of SQLSTATE that Postgres has for what no row is to blame for: everything of its own
/// but integrity constraints, values, what functions raise without a state of their own (P0) or
/// fail with (38, 39), and views' checks (44). Others are those that triggers raise.
/// https://www.postgresql.org/docs/15/errcodes-appendix.html
constexpr std::array<std::string_view, 33> statement_classes = {
    "00", "01", "02", "03", "08", "0A", "0B", "0F", "0L", "0P", "0Z",
    "20", "24", "25", "26", "28", "2B", "2D", "34", "3B", "3D", "3F",
    "40", "42", "53", "54", "55", "57", "58", "72", "F0", "HV", "XX"};

/// Whether rows are to blame: integrity constraints, values, and what triggers raise.
bool is_by_row(std::string_view state) {
  // A text too long for its index has the state of any limit.
  return state == "54000" ||
         std::ranges::find(statement_classes, state.substr(0, 2)) == statement_classes.end();
}

bool is_state(std::string_view text) {
  return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

/// Takes ":  28P01: " out of a verbose message, so that it reads as usual; gives the state.
std::string take_state(std::string& message) {
  for (size_t at = message.find(":  "); at != std::string::npos; at = message.find(":  ", at + 1)) {
    const std::string state = message.substr(at + 3, 5);
    if (is_state(state) && message.compare(at + 8, 2, ": ") == 0) {
      message.erase(at + 2, 8);
      return state;
    }
  }
  return {};
}

/// What libpq itself finds wrong, which trying again does not mend. It has no codes for it.
bool is_misfit(std::string_view message) {
  static constexpr std::array<std::string_view, 7> words = {"does not support SSL",
                                                            "certificate verify failed",
                                                            "root certificate file",
                                                            "does not match host name",
                                                            "could not load",
                                                            "no password supplied",
                                                            "could not read certificate"};
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return message.find(word) != std::string_view::npos;
  });
}

std::string fix_for(std::string_view state, std::string_view message) {
  if (state.starts_with("28") || message.find("no password supplied") != std::string_view::npos) {
    return "check the user and password, and the server's pg_hba.conf";
  }
  if (state == "3D000") return "create the database, or correct its name";
  if (message.find("does not support SSL") != std::string_view::npos) {
    return "switch TLS on at the server, or ask for tls: prefer";
  }
  if (message.find("certificate") != std::string_view::npos) {
    return "give the authority that signed the server's certificate";
  }
  return state.empty() ? "check the address, and that the server runs" : "";
}

}  // namespace

ErrorCode code_of_state(std::string_view state) {
  if (state.starts_with("08")) return ErrorCode::unavailable;
  // Shut down, crashed, starting; the session ended for being idle; its database dropped.
  if (state == "57P01" || state == "57P02" || state == "57P03" || state == "57P05") {
    return ErrorCode::unavailable;
  }
  if (state == "40001" || state == "40P01" || state == "55P03" || state == "53300") {
    return ErrorCode::busy;
  }
  if (state == "53100" || state == "58030") return ErrorCode::io;
  if (state == "57014") return ErrorCode::cancelled;
  return ErrorCode::sql;
}

Error failure_of(const PGconn* connection, const PGresult* result, server::Refusal& refusal) {
  refusal = {};
  const std::string state = field(result, PG_DIAG_SQLSTATE);
  if (state.empty()) {
    const bool lost = PQstatus(connection) == CONNECTION_BAD;
    const std::string words = result != nullptr && *PQresultErrorMessage(result) != '\0'
                                  ? PQresultErrorMessage(result)
                                  : PQerrorMessage(connection);
    return {lost ? ErrorCode::unavailable : ErrorCode::sql,
            lost ? "the connection to Postgres was lost: " + one_line(words) : one_line(words),
            {},
            {}};
  }
  Error error{code_of_state(state), field(result, PG_DIAG_MESSAGE_PRIMARY), {}, {}};
  const std::string primary = error.message;
  const std::string detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  if (!detail.empty()) error.message += ": " + one_line(detail);
  if (error.message.ends_with('.')) error.message.pop_back();
  error.message += " (" + state + ")";
  error.fix = field(result, PG_DIAG_MESSAGE_HINT);
  if (PQstatus(connection) == CONNECTION_BAD && error.code == ErrorCode::sql) {
    error.code = ErrorCode::unavailable;
  }
  if (error.code == ErrorCode::sql) {
    const std::string context = field(result, PG_DIAG_CONTEXT);
    const std::string column = field(result, PG_DIAG_COLUMN_NAME);
    const CopyPlace place = copy_place(context);
    refusal = {
        .by_row = is_by_row(state),
        .state = state,
        .constraint = field(result, PG_DIAG_CONSTRAINT_NAME),
        .column = column.empty() ? place.column : column,
        .routine = routine_of(context),
        .message = primary,
        .row = place.row,
        .position = std::strtoull(field(result, PG_DIAG_STATEMENT_POSITION).c_str(), nullptr, 10)};
  }
  return error;
}

Error connect_failure(std::string message) {
  const std::string state = take_state(message);
  const size_t location = message.find("\nLOCATION:");
  if (location != std::string::npos)
    message.erase(location, message.find('\n', location + 1) - location);
  message = one_line(message);
  ErrorCode code = ErrorCode::unavailable;
  if (!state.empty()) {
    code = code_of_state(state);
  } else if (is_misfit(message)) {
    code = ErrorCode::sql;
  }
  return {code, "cannot connect to Postgres: " + message, fix_for(state, message), {}};
}

}  // namespace weir::postgres
