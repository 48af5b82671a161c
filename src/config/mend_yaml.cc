#include "config/mend_yaml.h"

#include <algorithm>
#include <map>

#include "text/yaml.h"

namespace weir::config {
namespace {

/// Whether a text closes every bracket and quote it opens.
bool balanced(std::string_view text) {
  char quote = '\0';
  int depth = 0;
  for (const char c : text) {
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    }
  }
  return quote == '\0' && depth <= 0;
}

/// `before`, a comma, the blanks that stood behind it, and the next piece with its quotes.
std::string rejoined(const std::string& before, const Location& begin, const std::string& next,
                     YamlStyle style, const Location& at) {
  int blanks = 1;
  if (begin.line == at.line) blanks = at.column - begin.column - int(before.size()) - 1;
  const std::string quote = style == YamlStyle::plain ? "" : "'";
  return before + "," + std::string(size_t(std::clamp(blanks, 0, 8)), ' ') + quote + next + quote;
}

void report_comma(const YamlNode& value, const std::string& cut_at, const std::string& whole,
                  const std::string& prefix, char bracket, Reader& reader) {
  reader.error(value.location,
               std::string("YAML ends this value at the comma, inside ") +
                   (bracket == '{' ? "{ }" : "[ ]") + ": it became '" + cut_at +
                   "' and the rest something of its own",
               "quote the whole value: " + prefix + text::yaml_scalar(whole));
}

bool is_cut(const YamlNode& value) {
  return value.kind == YamlKind::scalar && value.style == YamlStyle::plain &&
         !balanced(value.scalar);
}

/// Joins `{type: decimal(20,0)}`: a value with an open bracket, then keys without values.
void mend_map(YamlNode& node, Reader& reader) {
  for (size_t i = 0; i < node.entries.size(); ++i) {
    YamlNode& value = node.entries[i].value;
    if (!is_cut(value)) continue;
    const std::string cut_at = value.scalar;
    std::string whole = cut_at;
    size_t next = i + 1;
    for (; next < node.entries.size() && !balanced(whole); ++next) {
      const YamlEntry& rest = node.entries[next];
      if (rest.value.kind != YamlKind::null || !rest.value.scalar.empty()) break;
      whole = rejoined(whole, value.location, rest.key, rest.style, rest.location);
    }
    if (next == i + 1 || !balanced(whole)) continue;
    report_comma(value, cut_at, whole, node.entries[i].key + ": ", '{', reader);
    value.scalar = whole;
    value.exact = false;
    node.entries.erase(node.entries.begin() + long(i) + 1, node.entries.begin() + long(next));
  }
}

/// The same for `[in (a, b)]`.
void mend_sequence(YamlNode& node, Reader& reader) {
  for (size_t i = 0; i < node.items.size(); ++i) {
    YamlNode& value = node.items[i];
    if (!is_cut(value)) continue;
    const std::string cut_at = value.scalar;
    std::string whole = cut_at;
    size_t next = i + 1;
    for (; next < node.items.size() && !balanced(whole); ++next) {
      const YamlNode& rest = node.items[next];
      if (rest.kind != YamlKind::scalar) break;
      whole = rejoined(whole, value.location, rest.scalar, rest.style, rest.location);
    }
    if (next == i + 1 || !balanced(whole)) continue;
    report_comma(value, cut_at, whole, "", '[', reader);
    value.scalar = whole;
    value.exact = false;
    node.items.erase(node.items.begin() + long(i) + 1, node.items.begin() + long(next));
  }
}

void drop_duplicates(YamlNode& node, Reader& reader) {
  std::map<std::string, int> lines;
  std::vector<YamlEntry> kept;
  for (YamlEntry& entry : node.entries) {
    const auto [first, added] = lines.emplace(entry.key, entry.location.line);
    if (added) {
      kept.push_back(std::move(entry));
    } else {
      reader.error(entry.location,
                   "the key '" + entry.key + "' is there twice, first in line " +
                       std::to_string(first->second),
                   "keep one of the two");
    }
  }
  node.entries = std::move(kept);
}

}  // namespace

void mend_yaml(YamlNode& node, Reader& reader) {
  if (node.kind == YamlKind::map) {
    if (node.layout == YamlLayout::flow) mend_map(node, reader);
    drop_duplicates(node, reader);
    for (YamlEntry& entry : node.entries) mend_yaml(entry.value, reader);
  } else if (node.kind == YamlKind::sequence) {
    if (node.layout == YamlLayout::flow) mend_sequence(node, reader);
    for (YamlNode& item : node.items) mend_yaml(item, reader);
  }
}

void lay_over(YamlNode& base, const YamlNode& overlay, Reader& reader) {
  if (base.kind != YamlKind::map || overlay.kind != YamlKind::map) {
    base = overlay;
    return;
  }
  for (const YamlEntry& entry : overlay.entries) {
    const auto there =
        std::find_if(base.entries.begin(), base.entries.end(),
                     [&](const YamlEntry& candidate) { return candidate.key == entry.key; });
    if (entry.value.kind == YamlKind::null) {
      if (there != base.entries.end()) {
        base.entries.erase(there);
      } else {
        reader.warning(entry.location, "'" + entry.key + "' is deleted here, but was not there",
                       "remove the line");
      }
    } else if (there == base.entries.end()) {
      base.entries.push_back(entry);
    } else {
      const bool merges = there->value.kind == YamlKind::map && entry.value.kind == YamlKind::map;
      if (!merges) there->location = entry.location;
      lay_over(there->value, entry.value, reader);
    }
  }
}

}  // namespace weir::config
