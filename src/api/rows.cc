#include "api/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "api/problem.h"
#include "base/edit_distance.h"
#include "model/run.h"
#include "text/receipt_json.h"

namespace weir::api {
namespace {

using pipeline::RowsAnswer;
using pipeline::RowsRequest;
using text::Json;
using Refused = std::optional<http::Response>;

constexpr size_t longest_idempotency_key = 255;
constexpr uint64_t any_rows = std::numeric_limits<uint64_t>::max();

struct MediaType {
  std::string_view name;
  Format format;
};
constexpr MediaType media_types[] = {
    {"application/json", Format::json},      {"application/x-ndjson", Format::json},
    {"application/ndjson", Format::json},    {"application/jsonl", Format::json},
    {"application/jsonlines", Format::json}, {"text/csv", Format::csv},
};

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
  return out;
}

/// "text/csv; charset=utf-8": the format, when we read it and the bytes are UTF-8.
std::optional<Format> format_of(std::string_view content_type) {
  const std::string type = lower_case(content_type);
  const size_t semicolon = std::min(type.find(';'), type.size());
  std::string_view name = std::string_view(type).substr(0, semicolon);
  while (name.ends_with(' ')) name.remove_suffix(1);
  const size_t charset = type.find("charset=");
  if (charset != std::string::npos) {
    const std::string_view said = std::string_view(type).substr(charset + 8);
    if (!said.starts_with("utf-8") && !said.starts_with("\"utf-8\"") &&
        !said.starts_with("us-ascii")) {
      return std::nullopt;
    }
  }
  for (const MediaType& known : media_types) {
    if (name == known.name) return known.format;
  }
  return std::nullopt;
}

/// Reads what a request says of its rows, piece by piece, until one does not fit.
class RowsReader {
 public:
  RowsReader(const Project& project, const Target& target, const ApiKey& key,
             http::Request& request)
      : project_(project), target_(target), key_(key), request_(request) {}

  std::variant<ReadRows, http::Response> read(const Clock& clock) {
    for (const auto step : {&RowsReader::read_parameters, &RowsReader::read_table,
                            &RowsReader::read_mode, &RowsReader::read_format,
                            &RowsReader::read_preferences, &RowsReader::read_idempotency_key}) {
      if (auto refused = (this->*step)()) return *std::move(refused);
    }
    rows_.request.id = new_run_id(clock.now());
    rows_.request.body = std::move(request_.body);
    return std::move(rows_);
  }

 private:
  Refused read_parameters();
  Refused read_table();
  Refused read_mode();
  Refused read_format();
  Refused read_preferences();
  Refused read_idempotency_key();
  bool by_parameters() const { return target_.kind == Target::Kind::csv_rows; }

  const Project& project_;
  const Target& target_;
  const ApiKey& key_;
  http::Request& request_;
  Parameters parameters_;
  const Table* table_ = nullptr;
  const RowsRoute* route_ = nullptr;
  ReadRows rows_;
};

Refused RowsReader::read_parameters() {
  auto parsed = Parameters::parse(request_.head.query);
  if (!parsed) return problem(ProblemCode::malformed, "the query string does not decode");
  parameters_ = *std::move(parsed);
  const std::vector<std::string_view> known =
      by_parameters() ? std::vector<std::string_view>{"table", "schema", "append"}
                      : std::vector<std::string_view>{"mode"};
  if (const std::string* misfit = parameters_.misfit(known)) {
    return problem(ProblemCode::invalid_parameter,
                   fmt::format("parameter '{}' is not known, or comes twice", *misfit),
                   fmt::format("there are: {}", fmt::join(known, ", ")));
  }
  for (const std::string_view name : known) {
    if (by_parameters() && parameters_.find(name) == nullptr) {
      return problem(ProblemCode::missing_parameter,
                     fmt::format("the parameter '{}' is missing", name),
                     "ask for /api/rows?table=NAME&schema=public&append=true");
    }
  }
  return std::nullopt;
}

Refused RowsReader::read_table() {
  const std::string& name = by_parameters() ? *parameters_.find("table") : target_.name;
  table_ = project_.find_table(TableName(name));
  if (table_ == nullptr) {
    std::vector<std::string_view> names;
    for (const Table& table : project_.tables) names.push_back(table.name.value());
    const auto near = nearest(name, names);
    return problem(ProblemCode::not_found, "there is no table '" + name + "'",
                   near ? "did you mean '" + std::string(*near) + "'?" : "");
  }
  route_ = project_.api->find_rows(table_->name);
  rows_.request.table = table_->name;
  if (!by_parameters()) return std::nullopt;
  // Where the dictionary names no schema the table is in the engine's own.
  const std::string& schema = *parameters_.find("schema");
  const bool own = table_->schema.empty() && (schema == "public" || schema == "main");
  if (schema == table_->schema || own) return std::nullopt;
  return problem(
      ProblemCode::not_found, "table '" + name + "' is not in a schema '" + schema + "'",
      table_->schema.empty() ? "its schema is public" : "its schema is " + table_->schema);
}

Refused RowsReader::read_mode() {
  if (by_parameters()) {
    const std::string& append = *parameters_.find("append");
    if (append != "true" && append != "false") {
      return problem(ProblemCode::invalid_parameter,
                     "append is true or false, not '" + append + "'",
                     "false replaces all rows of the table");
    }
    rows_.request.mode = append == "true" ? LoadMode::append : LoadMode::replace;
    return std::nullopt;
  }
  const std::string* mode = parameters_.find("mode");
  const auto parsed = mode != nullptr ? parse_load_mode(*mode) : std::optional(route_->mode);
  if (!parsed) {
    return problem(ProblemCode::invalid_parameter, "there is no mode '" + *mode + "'",
                   "modes are append, merge, ignore and replace");
  }
  rows_.request.mode = *parsed;
  const bool needs_key = *parsed == LoadMode::merge || *parsed == LoadMode::ignore;
  if (!needs_key || !table_->key.empty()) return std::nullopt;
  return problem(ProblemCode::invalid_parameter,
                 fmt::format("table '{}' has no key, so rows cannot be loaded with mode {}",
                             table_->name.value(), to_string(*parsed)),
                 "use append or replace");
}

Refused RowsReader::read_format() {
  const std::string* type = http::find_header(request_.head.headers, "content-type");
  const auto format = by_parameters()   ? std::optional(Format::csv)
                      : type != nullptr ? format_of(*type)
                                        : std::nullopt;
  if (!format) {
    return problem(ProblemCode::unsupported_media_type,
                   type != nullptr ? "bodies of type '" + *type + "' are not read"
                                   : "the request has no Content-Type",
                   "send application/json, application/x-ndjson or text/csv, in UTF-8");
  }
  if (http::find_header(request_.head.headers, "content-encoding") != nullptr) {
    return problem(ProblemCode::unsupported_media_type, "encoded bodies are not read",
                   "send the body without Content-Encoding");
  }
  rows_.request.format = *format;
  // A CSV file is limited by its bytes.
  rows_.request.max_rows = *format == Format::csv ? any_rows : route_->max_rows;
  return std::nullopt;
}

Refused RowsReader::read_preferences() {
  RowsRequest& request = rows_.request;
  // What a table does not quarantine it takes as a whole, or not at all.
  if (table_->on_bad_row == OnBadRow::fail) request.keep = RowsRequest::Keep::all_or_nothing;
  const std::string* prefer = http::find_header(request_.head.headers, "prefer");
  if (prefer == nullptr) return std::nullopt;
  if (prefers(*prefer, "handling", "strict")) {
    request.keep = RowsRequest::Keep::all_or_nothing;
    rows_.preference = "handling=strict";
  }
  if (prefers(*prefer, "tx", "rollback")) {
    request.keep = RowsRequest::Keep::nothing;
    rows_.preference = "tx=rollback";
  }
  return std::nullopt;
}

Refused RowsReader::read_idempotency_key() {
  const std::string* given = http::find_header(request_.head.headers, "idempotency-key");
  if (given == nullptr) return std::nullopt;
  const bool sound = !given->empty() && given->size() <= longest_idempotency_key &&
                     std::ranges::all_of(*given, [](char c) { return c > 0x20 && c < 0x7F; });
  if (!sound) {
    return problem(ProblemCode::malformed,
                   fmt::format("an Idempotency-Key is 1 to {} visible ASCII characters",
                               longest_idempotency_key),
                   "send e.g. a UUID");
  }
  // Another's key is another key.
  rows_.request.idempotency_key = key_.id + " " + *given;
  return std::nullopt;
}

/// Not one record could be read: the body is not what its type says.
bool is_malformed(const Receipt& receipt) {
  return std::ranges::all_of(receipt.rejects, [](const Reject& reject) {
    return !reject.problems.empty() && reject.problems.front().field.empty();
  });
}

http::Response receipt_response(const Receipt& receipt) {
  const RowCounts& rows = receipt.rows;
  const Json json = text::to_json(receipt);
  if (rows.read == 0) {
    return problem(ProblemCode::malformed, "the body has no rows",
                   "send an object, an array of them, one per line, or CSV with a header");
  }
  if (rows.rejected < rows.read) {
    return {200, {{"content-type", "application/json"}}, json.to_string() + "\n"};
  }
  const Json more = Json::object().set("receipt", json);
  if (is_malformed(receipt)) {
    return problem(ProblemCode::malformed,
                   "the body cannot be read: " + receipt.rejects.front().problems.front().message,
                   "the receipt says where", more);
  }
  return problem(ProblemCode::rejected, fmt::format("all {} rows were rejected", rows.read),
                 "the receipt says which field of each broke which rule", more);
}

http::Response failure_response(ProblemCode code, const Receipt& receipt) {
  const Error error = receipt.error.value_or(Error{});
  http::Response response =
      problem(code, error.message, error.fix,
              receipt.rejects.empty() ? Json::object().set("run", receipt.run.value())
                                      : Json::object().set("receipt", text::to_json(receipt)));
  if (status_of(code) == 503) response.headers.push_back({"retry-after", "1"});
  return response;
}

}  // namespace

const RowsRoute* rows_route(const Api& api, const Target& target, const http::RequestHead& head) {
  if (target.kind == Target::Kind::rows) return api.find_rows(TableName(target.name));
  const auto parameters = Parameters::parse(head.query);
  const std::string* table = parameters ? parameters->find("table") : nullptr;
  return table == nullptr ? nullptr : api.find_rows(TableName(*table));
}

std::variant<ReadRows, http::Response> read_rows(const Project& project, const Target& target,
                                                 const ApiKey& key, http::Request& request,
                                                 const Clock& clock) {
  return RowsReader(project, target, key, request).read(clock);
}

http::Response rows_response(const RowsAnswer& answer) {
  switch (answer.kind) {
    case RowsAnswer::Kind::done: return receipt_response(answer.receipt);
    case RowsAnswer::Kind::repeated: {
      http::Response response = receipt_response(answer.receipt);
      response.headers.push_back({"idempotency-replayed", "true"});
      return response;
    }
    case RowsAnswer::Kind::too_many_rows:
      return failure_response(ProblemCode::too_many_rows, answer.receipt);
    case RowsAnswer::Kind::all_refused:
      return failure_response(ProblemCode::rejected, answer.receipt);
    case RowsAnswer::Kind::reused_key:
      return problem(ProblemCode::key_reused,
                     "the Idempotency-Key was used for a request with other rows",
                     "send each request under a key of its own");
    case RowsAnswer::Kind::failed: break;
  }
  return failure_response(problem_code(answer.receipt.error.value_or(Error{})), answer.receipt);
}

}  // namespace weir::api
