#include "pipeline/ledger.h"

#include "text/json.h"

namespace weir::pipeline {

std::string problems_json(std::span<const Problem> problems) {
  text::Json list = text::Json::array();
  for (const Problem& problem : problems) {
    text::Json one = text::Json::object();
    one.set("field", problem.field).set("rule", problem.rule);
    one.set("value", problem.value).set("message", problem.message);
    list.push(std::move(one));
  }
  return list.to_string();
}

int64_t LedgerKey::hash() const {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  const auto mix = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    hash = (hash ^ 0xFF) * 1099511628211u;  // no text holds 0xFF: a separator
  };
  mix(pipeline.value());
  mix(std::to_string(step));
  if (object) {
    mix(object->bucket.value());
    mix(object->key.value());
  }
  return static_cast<int64_t>(hash);
}

}  // namespace weir::pipeline
