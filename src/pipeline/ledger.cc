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

namespace {

class KeyHash {
 public:
  KeyHash& mix(std::string_view text) {
    for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
    hash_ = (hash_ ^ 0xFF) * 1099511628211u;  // no text holds 0xFF: a separator
    return *this;
  }
  int64_t with(const std::optional<ObjectRef>& object) {
    if (object) mix(object->bucket.value()).mix(object->key.value());
    return static_cast<int64_t>(hash_);
  }

 private:
  uint64_t hash_ = 14695981039346656037u;  // FNV-1a
};

}  // namespace

int64_t LedgerKey::hash() const { return KeyHash().mix(pipeline.value()).with(object); }

int64_t LedgerKey::former_hash() const {
  return KeyHash().mix(pipeline.value()).mix(std::to_string(step)).with(object);
}

}  // namespace weir::pipeline
