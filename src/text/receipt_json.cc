#include "text/receipt_json.h"

#include <array>
#include <optional>

#include "base/redaction.h"

namespace weir::text {
namespace {

struct Counter {
  const char* name;
  uint64_t RowCounts::*member;
};

constexpr Counter counters[] = {
    {"read", &RowCounts::read},
    {"expanded", &RowCounts::expanded},
    {"folded", &RowCounts::folded},
    {"inserted", &RowCounts::inserted},
    {"updated", &RowCounts::updated},
    {"unchanged", &RowCounts::unchanged},
    {"deduplicated", &RowCounts::deduplicated},
    {"filtered", &RowCounts::filtered},
    {"rejected", &RowCounts::rejected},
    {"replaced", &RowCounts::replaced},
};

tl::unexpected<Error> misfit(const std::string& what) {
  return fail(ErrorCode::invalid_input, "not a receipt: " + what);
}

Json rows_to_json(const RowCounts& rows) {
  Json json = Json::object();
  for (const Counter& counter : counters) {
    if (counter.member == &RowCounts::deduplicated) json.set("loaded", rows.loaded());
    json.set(counter.name, rows.*counter.member);
  }
  return json;
}

Result<RowCounts> rows_from_json(const Json& json) {
  RowCounts rows;
  for (const Counter& counter : counters) {
    // Receipts written before there was mode replace lack its counter.
    const int64_t absent = counter.member == &RowCounts::replaced ? 0 : -1;
    const int64_t value = json[counter.name].as_int(absent);
    if (value < 0) return misfit(std::string("rows.") + counter.name + " is no count");
    rows.*counter.member = static_cast<uint64_t>(value);
  }
  return rows;
}

void set_problem(const Problem& problem, Json& json) {
  json.set("field", problem.field);
  json.set("rule", problem.rule);
  json.set("value", redact(problem.value));
  json.set("message", redact(problem.message));
}

Problem problem_from_json(const Json& json) {
  return {json["field"].as_string(), json["rule"].as_string(), json["value"].as_string(),
          json["message"].as_string()};
}

Json reject_to_json(const Reject& reject) {
  Json json = Json::object();
  json.set("element", reject.element);
  if (reject.line > 0) json.set("line", reject.line);
  set_problem(reject.problems.empty() ? Problem{} : reject.problems.front(), json);
  json.set("raw", redact(reject.raw));
  if (!reject.produced.empty()) {
    json.set("produced", redact(reject.produced)).set("entry_step", reject.entry_step);
  }
  json.set("bytes", Json::array().push(reject.byte_begin).push(reject.byte_end));
  if (reject.problems.size() > 1) {
    Json also = Json::array();
    for (size_t i = 1; i < reject.problems.size(); ++i) {
      Json problem = Json::object();
      set_problem(reject.problems[i], problem);
      also.push(std::move(problem));
    }
    json.set("also", std::move(also));
  }
  return json;
}

Result<Reject> reject_from_json(const Json& json) {
  const auto& bytes = json["bytes"].as_array();
  const std::array<int64_t, 4> numbers = {json["element"].as_int(-1), json["line"].as_int(0),
                                          bytes.size() == 2 ? bytes[0].as_int(-1) : -1,
                                          bytes.size() == 2 ? bytes[1].as_int(-1) : -1};
  for (const int64_t number : numbers) {
    if (number < 0) return misfit("a reject without element, line or bytes");
  }
  Reject reject;
  reject.element = static_cast<uint64_t>(numbers[0]);
  reject.line = static_cast<uint64_t>(numbers[1]);
  reject.byte_begin = static_cast<uint64_t>(numbers[2]);
  reject.byte_end = static_cast<uint64_t>(numbers[3]);
  reject.raw = json["raw"].as_string();
  reject.produced = json["produced"].as_string();
  reject.entry_step = static_cast<int>(json["entry_step"].as_int());
  reject.problems.push_back(problem_from_json(json));
  for (const Json& problem : json["also"].as_array()) {
    reject.problems.push_back(problem_from_json(problem));
  }
  return reject;
}

Result<ObjectRef> object_from_json(const Json& json) {
  const std::string& text = json.as_string();
  const auto slash = text.find('/');
  if (slash == std::string::npos || slash == 0) return misfit("object is no bucket/key");
  return ObjectRef{BucketName(text.substr(0, slash)), ObjectKey(text.substr(slash + 1))};
}

std::optional<ErrorCode> parse_error_code(std::string_view text) {
#define X(code, category) \
  if (text == #code) return ErrorCode::code;
  WEIR_ERROR_TABLE(X)
#undef X
  return std::nullopt;
}

}  // namespace

Json to_json(const Receipt& receipt) {
  Json json = Json::object();
  json.set("run", receipt.run.value());
  json.set("pipeline", receipt.pipeline.value());
  json.set("object", receipt.object ? Json(receipt.object->to_string()) : Json());
  json.set("version", receipt.version.value());
  json.set("status", to_string(receipt.status));
  json.set("rows", rows_to_json(receipt.rows));
  json.set("rejects", to_json(std::span(receipt.rejects)));
  json.set("error", receipt.error ? to_json(*receipt.error) : Json());
  json.set("duration_ms", receipt.duration_ms);
  if (!receipt.way.empty()) json.set("way", receipt.way);
  return json;
}

Result<Receipt> receipt_from_json(const Json& json) {
  if (!json.is_object() || !json["run"].is_string() || !json["pipeline"].is_string()) {
    return misfit("run and pipeline are missing");
  }
  Receipt receipt;
  receipt.run = RunId(json["run"].as_string());
  receipt.pipeline = PipelineName(json["pipeline"].as_string());
  if (!json["object"].is_null()) receipt.object = WEIR_TRY(object_from_json(json["object"]));
  receipt.version = ObjectVersion(json["version"].as_string());
  const auto status = parse_run_state(json["status"].as_string());
  if (!status) return misfit("status '" + json["status"].as_string() + "' is unknown");
  receipt.status = *status;
  receipt.rows = WEIR_TRY(rows_from_json(json["rows"]));
  receipt.rejects = WEIR_TRY(rejects_from_json(json["rejects"]));
  if (!json["error"].is_null()) receipt.error = WEIR_TRY(error_from_json(json["error"]));
  receipt.duration_ms = json["duration_ms"].as_double();
  if (json["way"].is_string()) receipt.way = json["way"].as_string();
  return receipt;
}

Json to_json(std::span<const Reject> rejects) {
  Json list = Json::array();
  for (const Reject& reject : rejects) list.push(reject_to_json(reject));
  return list;
}

Result<std::vector<Reject>> rejects_from_json(const Json& json) {
  std::vector<Reject> rejects;
  for (const Json& reject : json.as_array()) {
    rejects.push_back(WEIR_TRY(reject_from_json(reject)));
  }
  return rejects;
}

Json to_json(const Error& error) {
  Json location;
  if (!(error.location == Location{})) {
    location.set("file", error.location.file);
    location.set("line", error.location.line);
    location.set("column", error.location.column);
  }
  Json json = Json::object();
  json.set("code", name(error.code));
  json.set("message", redact(error.message));
  json.set("fix", redact(error.fix));
  json.set("location", std::move(location));
  return json;
}

Result<Error> error_from_json(const Json& json) {
  if (!json["code"].is_string() || !json["message"].is_string()) {
    return fail(ErrorCode::invalid_input, "not an error: code and message are missing");
  }
  Error error;
  error.code = parse_error_code(json["code"].as_string()).value_or(ErrorCode::internal);
  error.message = json["message"].as_string();
  error.fix = json["fix"].as_string();
  const Json& location = json["location"];
  error.location.file = location["file"].as_string();
  error.location.line = static_cast<int>(location["line"].as_int());
  error.location.column = static_cast<int>(location["column"].as_int());
  return error;
}

}  // namespace weir::text
