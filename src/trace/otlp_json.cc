#include "trace/otlp_json.h"

#include "base/redaction.h"
#include "text/json.h"

namespace weir::trace {
namespace {

using text::Json;

constexpr int status_error = 2;
constexpr int sampled_flag = 1;

std::string nanoseconds(Time time) {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

Json text_value(const std::string& text) { return Json::object().set("stringValue", redact(text)); }

/// OTLP's AnyValue. 64-bit integers are texts, as in all JSON of Protocol Buffers.
Json value_of(const AttributeValue& value) {
  struct Spelling {
    Json operator()(const std::string& text) const { return text_value(text); }
    Json operator()(int64_t number) const {
      return Json::object().set("intValue", std::to_string(number));
    }
    Json operator()(double number) const { return Json::object().set("doubleValue", number); }
    Json operator()(bool truth) const { return Json::object().set("boolValue", truth); }
    Json operator()(const std::vector<std::string>& texts) const {
      Json values = Json::array();
      for (const std::string& text : texts) values.push(text_value(text));
      return Json::object().set("arrayValue", Json::object().set("values", std::move(values)));
    }
  };
  return std::visit(Spelling{}, value);
}

Json attributes_of(std::span<const Attribute> attributes) {
  Json all = Json::array();
  for (const auto& [key, value] : attributes) {
    all.push(Json::object().set("key", key).set("value", value_of(value)));
  }
  return all;
}

Json links_of(const Span& span) {
  Json all = Json::array();
  for (const TraceContext& link : span.links) {
    all.push(Json::object().set("traceId", to_hex(link.trace)).set("spanId", to_hex(link.span)));
  }
  return all;
}

Json json_of(const Span& span) {
  Json out = Json::object();
  out.set("traceId", to_hex(span.context.trace)).set("spanId", to_hex(span.context.span));
  if (span.parent) out.set("parentSpanId", to_hex(*span.parent));
  out.set("flags", sampled_flag).set("name", redact(span.name));
  out.set("kind", static_cast<int>(span.kind));
  out.set("startTimeUnixNano", nanoseconds(span.begun));
  out.set("endTimeUnixNano", nanoseconds(span.ended));
  out.set("attributes", attributes_of(span.attributes));
  if (!span.links.empty()) out.set("links", links_of(span));
  if (span.error) {
    out.set("status", Json::object().set("code", status_error).set("message", redact(*span.error)));
  }
  return out;
}

}  // namespace

std::string otlp_json(std::span<const Attribute> resource, std::span<const Span> spans) {
  Json all = Json::array();
  for (const Span& span : spans) all.push(json_of(span));
  Json scope = Json::object()
                   .set("scope", Json::object().set("name", "weir").set("version", WEIR_VERSION))
                   .set("spans", std::move(all));
  Json of_resource = Json::object()
                         .set("resource", Json::object().set("attributes", attributes_of(resource)))
                         .set("scopeSpans", Json::array().push(std::move(scope)));
  return Json::object()
      .set("resourceSpans", Json::array().push(std::move(of_resource)))
      .to_string();
}

}  // namespace weir::trace
