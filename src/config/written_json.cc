#include "config/written_json.h"

#include "text/json.h"
#include "text/spelling.h"

namespace weir::config {
namespace {

using text::YamlKind;

bool is_json_literal(const text::YamlNode& node) {
  if (node.style != text::YamlStyle::plain || node.scalar.empty()) return false;
  const char first = node.scalar.front();
  const bool number = first == '-' || (first >= '0' && first <= '9');
  const bool word = node.scalar == "true" || node.scalar == "false";
  return word || (number && text::is_valid_json(node.scalar));
}

}  // namespace

std::string written_json(const text::YamlNode& node) {
  std::string out;
  switch (node.kind) {
    case YamlKind::null: return "null";
    case YamlKind::scalar:
      return is_json_literal(node) ? node.scalar : text::Json(node.scalar).to_string();
    case YamlKind::sequence:
      for (const text::YamlNode& item : node.items) {
        out += (out.empty() ? "" : ",") + written_json(item);
      }
      return "[" + out + "]";
    case YamlKind::map:
      for (const text::YamlEntry& entry : node.entries) {
        out += (out.empty() ? "" : ",") + text::Json(entry.key).to_string() + ":" +
               written_json(entry.value);
      }
      return "{" + out + "}";
  }
  return out;
}

}  // namespace weir::config
