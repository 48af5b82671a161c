#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::duckdb {

/// How servers spell values in the cells of server::Connection::stream: weir's own spelling
/// (text/spelling.h), and beside it what a row of an input may not say but a table can hold. False:
/// the text is no such value, or DuckDB has none like it; nothing is rounded or cut.

/// The nearest value; also NaN, Infinity, -Infinity, and -0 apart from 0.
[[nodiscard]] bool parse_server_float(std::string_view text, float& value);
[[nodiscard]] bool parse_server_float(std::string_view text, double& value);

/// Also years before 1 ("0044-03-15 BC") and after 9999, infinity and -infinity.
[[nodiscard]] bool parse_server_date(std::string_view text, int32_t& days);
/// Also 24:00:00.
[[nodiscard]] bool parse_server_time(std::string_view text, int64_t& micros);
/// Years as in a date; no offset.
[[nodiscard]] bool parse_server_timestamp(std::string_view text, int64_t& micros);
/// The same with an offset, or without one, in UTC: what a server's own type has no zone for.
[[nodiscard]] bool parse_server_timestamptz(std::string_view text, int64_t& micros);

/// One element of a Postgres array: its text without quotes and escapes, or NULL; of a nested one
/// its text as it stands.
struct ArrayElement {
  std::string text;
  bool is_null = false;
};
/// `{1,NULL,"a \"b\""}`. False: no array, or one whose bounds do not begin with 1.
[[nodiscard]] bool parse_server_array(std::string_view text, std::vector<ArrayElement>& elements);

}  // namespace weir::duckdb
