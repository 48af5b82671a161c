#include "text/redacted_json.h"

#include "base/redaction.h"

namespace weir::text {

Json redacted(Json json) {
  if (json.is_string()) return redact(json.as_string());
  if (json.is_array()) {
    Json::Array elements = json.as_array();
    for (Json& element : elements) element = redacted(std::move(element));
    return elements;
  }
  if (json.is_object()) {
    Json::Object members = json.as_object();
    for (auto& [name, value] : members) value = redacted(std::move(value));
    return members;
  }
  return json;
}

std::string redacted_json(std::string text) {
  if (!holds_secret(text)) return text;
  Result<Json> json = Json::parse(text);
  if (!json) return redact(std::move(text));
  return redacted(*std::move(json)).to_string();
}

}  // namespace weir::text
