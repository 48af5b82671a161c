#include "config/api_entry.h"

#include <algorithm>
#include <charconv>

namespace weir::config {
namespace {

constexpr int64_t most_rows = 1'000'000;
constexpr uint64_t most_bytes = 1u << 30;
constexpr int64_t hour_ms = 3'600'000;

/// Seconds in what stands behind the '/'; 0 = no such unit.
double unit_seconds(std::string_view unit) {
  if (unit == "s") return 1;
  if (unit == "m") return 60;
  if (unit == "h") return 3'600;
  return unit == "d" ? 86'400 : 0;
}

std::optional<RequestRate> parse_rate(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  RequestRate rate;
  const auto [end, error] = std::from_chars(text.data(), text.data() + slash, rate.count);
  rate.seconds = unit_seconds(text.substr(slash + 1));
  const bool sound = error == std::errc() && end == text.data() + slash && rate.seconds > 0 &&
                     rate.count > 0 && rate.count <= 1e9;
  return sound ? std::optional(rate) : std::nullopt;
}

Value<Located<RequestRate>> rate_value() {
  const std::string type = "requests in a time, such as 100/s, 600/m, 5000/h or 100000/d";
  const Value<Located<std::string>> text = text_value(type);
  Value<Located<RequestRate>> out;
  out.outline = text.outline;
  out.show = [](const Located<RequestRate>& rate) {
    return text::Json(std::to_string(static_cast<int64_t>(rate.value.count)) + "/s");
  };
  out.read = [read = text.read, type](const YamlNode& node,
                                      Reader& reader) -> std::optional<Located<RequestRate>> {
    const auto written = read(node, reader);
    if (!written) return std::nullopt;
    if (const auto rate = parse_rate(written->value)) {
      return Located<RequestRate>{*rate, node.location};
    }
    reader.wrong(node, type);
    return std::nullopt;
  };
  return out;
}

Value<PlanEntry> plan_value() {
  return Record<PlanEntry>("plan",
                           "How much one key may ask for. Tokens come at `rate`, `burst` of them "
                           "can be saved up, and a request takes one; who has none gets 429 and is "
                           "told when to come again.")
      .optional("rate", &PlanEntry::rate, rate_value(), "Requests in a time.", "100/s")
      .optional("burst", &PlanEntry::burst, integer_value(1, 1'000'000), "Requests at once.", "200")
      .optional("quota", &PlanEntry::quota, rate_value(),
                "Most requests of a day (UTC). Left out: no limit.", "1000000/d")
      .value();
}

Value<RowsRouteEntry> rows_route_value() {
  return Record<RowsRouteEntry>("rows", "How rows for a table come in.")
      .optional("plan", &RowsRouteEntry::plan, text_value("the name of a plan"),
                "What one key may ask of this table.", "standard")
      .optional("max_rows", &RowsRouteEntry::max_rows, integer_value(1, most_rows),
                "Most rows in a request; more are refused as a whole (413).", "1000")
      .optional("max_bytes", &RowsRouteEntry::max_bytes, size_value(1, most_bytes),
                "Most bytes of a request's body.", "10MB")
      .optional("mode", &RowsRouteEntry::mode,
                choice_value<LoadMode>({{"append", LoadMode::append},
                                        {"merge", LoadMode::merge},
                                        {"ignore", LoadMode::ignore},
                                        {"replace", LoadMode::replace}}),
                "The load mode of a request that names none with `?mode=`.", "merge")
      .value();
}

/// A value as it stands in the file, in quotes or not.
Value<Located<std::string>> default_value() {
  Value<Located<std::string>> out = text_value("a value");
  out.outline.schema = text::Json::object().set(
      "type", text::Json::array().push("string").push("number").push("boolean"));
  return out;
}

Value<ParameterEntry> parameter_value() {
  const Value<ParameterEntry> full =
      Record<ParameterEntry>("parameter", "A value that a query is asked with.")
          .required("type", &ParameterEntry::type, data_type_value(), "Its type.", "integer")
          .optional("default", &ParameterEntry::fallback, default_value(),
                    "What it is when nobody gives it. Left out: it must be given.", "10")
          .value();
  return with_short_form<ParameterEntry, Located<DataType>>(
      full, data_type_value(), [](Located<DataType> type, const YamlNode&, Reader&) {
        return std::optional(ParameterEntry{std::move(type), std::nullopt});
      });
}

/// What can stand behind a `$`.
bool is_parameter_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && name.size() <= 63 && letter(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

NameRule parameter_name() {
  return {"parameter", "^[A-Za-z_][A-Za-z0-9_]*$", "letters, digits and '_', a digit not first",
          is_parameter_name};
}

Value<QueryEntry> query_value() {
  return Record<QueryEntry>("query", "A SELECT that has a name: GET /api/queries/NAME.")
      .required(
          "sql", &QueryEntry::sql, sql_entry_value("SQL, or the path of a .sql file"),
          "The statement, or a file with it, relative to the project's folder. `$name` "
          "stands for a parameter, which is bound, never spliced. Where engines differ: one text "
          "for each, {duckdb: …, postgres: …, mysql: …}.",
          "SELECT * FROM hits WHERE date >= $since")
      .required("in", &QueryEntry::database, text_value("the name of a database"),
                "The database it is asked of.", "warehouse")
      .optional("parameters", &QueryEntry::parameters, named(parameter_name(), parameter_value()),
                "What it is asked with: `?since=2026-01-01`.",
                "{since: date, most: {type: integer, default: 10}}")
      .optional("plan", &QueryEntry::plan, text_value("the name of a plan"),
                "What one key may ask of it.", "standard")
      .optional("timeout", &QueryEntry::timeout_ms, duration_value(1'000, 24 * hour_ms),
                "How long an answer may take, until its last row is sent.", "60s")
      .later("deliver", &QueryEntry::later, later_value("a map"),
             "Puts the rows into a bucket and answers with a link.",
             "{link: landing/reports/, expires: 24h}")
      .value();
}

Value<TlsEntry> tls_value() {
  return Record<TlsEntry>("tls", "The listener's certificate; read again when its files change.")
      .required("certificate", &TlsEntry::certificate, text_value("the path of a PEM file"),
                "The certificate, then those between it and the authority's.", "api.pem")
      .required("key", &TlsEntry::key, text_value("the path of a PEM file"), "Its key.", "api.key")
      .value();
}

}  // namespace

Value<ApiEntry> api_value() {
  return Record<ApiEntry>("api",
                          "What `weir up` answers over HTTP. Who asks needs a key: "
                          "`weir key create NAME`.")
      .optional("listen", &ApiEntry::listen,
                text_value("a port or ADDRESS:PORT, e.g. 127.0.0.1:8080"),
                "A port of this machine (127.0.0.1), or address and port; `weir up --port` wins. "
                "Left out: 127.0.0.1:8080.",
                "0.0.0.0:8080")
      .optional("tls", &ApiEntry::tls, tls_value(),
                "Speak HTTPS. Left out: plain HTTP, for this machine or behind a proxy.",
                "{certificate: api.pem, key: api.key}")
      .optional("plans", &ApiEntry::plans, named(identifier("plan"), plan_value()),
                "How much a key may ask for. `standard` is there without being described.",
                "{standard: {rate: 100/s, burst: 200}}")
      .optional("rows", &ApiEntry::rows, named(identifier("table"), rows_route_value()),
                "Settings of POST /api/tables/TABLE/rows, for tables that need other than the "
                "defaults.",
                "{hits: {max_rows: 500, mode: merge}}")
      .optional("queries", &ApiEntry::queries, named(identifier("query"), query_value()),
                "SQL that is answered by name: GET /api/queries/QUERY.",
                "{daily: {sql: SELECT * FROM daily_totals, in: warehouse}}")
      .optional("max_queries", &ApiEntry::max_queries, integer_value(1, 256),
                "Most queries at work at a time; one more gets 503.", "4")
      .optional("origins", &ApiEntry::origins, list(text_value("an origin")),
                "Origins whose web pages may ask (CORS): scheme, host and port as browsers send "
                "them; \"*\" alone means all. Left out: none.",
                "[\"https://app.example.org\"]")
      .optional("remember", &ApiEntry::remember_ms, duration_value(hour_ms, 365 * 24 * hour_ms),
                "How long a request's `Idempotency-Key` is known.", "24h")
      .optional("connections", &ApiEntry::connections, integer_value(10, 100'000),
                "Most connections at a time.", "12000")
      .value();
}

}  // namespace weir::config
