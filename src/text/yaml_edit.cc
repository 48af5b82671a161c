#include "text/yaml_edit.h"

#include <algorithm>
#include <functional>

#include "text/yaml_spans.h"

namespace weir::text {
namespace {

constexpr auto npos = std::string_view::npos;

/// Whether the text is itself when it is written without quotes, in any place.
bool is_plain(std::string_view text) {
  const auto word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<signed char>(c) < 0;
  };
  const auto inner = [&](char c) {
    return word(c) || c == '_' || c == '-' || c == '.' || c == '/' || c == '+' || c == ' ' ||
           c == '(' || c == ')';
  };
  if (text.empty() || text.back() == ' ') return false;
  const bool number =
      text.size() > 1 && (text[0] == '-' || text[0] == '+') && text[1] >= '0' && text[1] <= '9';
  if (!word(text[0]) && !number) return false;
  for (const std::string_view null : {"null", "Null", "NULL"}) {
    if (text == null) return false;
  }
  // A colon is plain where no blank follows: in times.
  for (size_t i = 0; i < text.size(); ++i) {
    const bool time = text[i] == ':' && i + 1 < text.size() && word(text[i + 1]) && i > 0;
    if (!inner(text[i]) && !time) return false;
  }
  return true;
}

std::string scalar_text(const std::string& text, char quote) {
  if (quote == '\'' && std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) >= ' ' && c != 127;
      })) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
    return out + "'";
  }
  if (quote != '"' && is_plain(text)) return text;
  std::string out = yaml_scalar(text);
  return out.starts_with('"') ? out : "\"" + out + "\"";
}

std::string flow_text(const YamlNode& node) {
  std::string out;
  switch (node.kind) {
    case YamlKind::null: return "null";
    case YamlKind::scalar: return scalar_text(node.scalar, '\0');
    case YamlKind::sequence:
      for (const YamlNode& item : node.items) out += (out.empty() ? "" : ", ") + flow_text(item);
      return "[" + out + "]";
    case YamlKind::map:
      for (const YamlEntry& entry : node.entries) {
        out += (out.empty() ? "" : ", ") + scalar_text(entry.key, '\0') + ": " +
               flow_text(entry.value);
      }
      return "{" + out + "}";
  }
  return out;
}

size_t column_of(std::string_view text, size_t at) {
  const size_t line = at == 0 ? npos : text.rfind('\n', at - 1);
  return line == npos ? at : at - line - 1;
}

tl::unexpected<Error> cannot(const std::string& why) {
  return fail(ErrorCode::not_yet, why, "edit it by hand");
}

/// A value, where it stands, and what it stands in.
struct Found {
  const YamlNode* node = nullptr;
  const YamlSpan* span = nullptr;
  const YamlNode* parent = nullptr;
  const YamlSpan* parent_span = nullptr;
  size_t index = 0;  // in the parent
};

Result<Found> find(const YamlNode& root, const YamlSpan& spans, const YamlPath& path) {
  Found found{&root, &spans, nullptr, nullptr, 0};
  for (const auto& step : path) {
    if (found.span->alias) return cannot("it is an alias of a value that stands elsewhere");
    size_t index = 0;
    size_t count = found.node->items.size();
    if (const auto* key = std::get_if<std::string>(&step)) {
      count = found.node->entries.size();
      while (index < count && found.node->entries[index].key != *key) ++index;
    } else {
      index = std::get<size_t>(step);
    }
    if (index >= count) return fail(ErrorCode::not_found, "there is no such value in the file");
    found.parent = found.node;
    found.parent_span = found.span;
    found.index = index;
    found.node = found.parent->kind == YamlKind::map ? &found.parent->entries[index].value
                                                     : &found.parent->items[index];
    found.span = &found.parent_span->parts[index];
  }
  if (found.span->alias) return cannot("it is an alias of a value that stands elsewhere");
  return found;
}

/// One stretch of the text and what comes in its place.
struct Replacement {
  size_t begin = 0, end = 0;
  std::string text;
};

using Change = std::function<Result<Replacement>(const Found& found, std::string_view text)>;
using TreeChange = std::function<void(YamlNode& node)>;

YamlNode* mutable_at(YamlNode& root, const YamlPath& path) {
  return const_cast<YamlNode*>(yaml_at(root, path));
}

/// Does the change to the text, and makes sure that it is the same as `tree_change` to the value at
/// `changed`.
Result<std::string> changed_text(std::string_view text, const YamlPath& path,
                                 const YamlPath& changed, const Change& change,
                                 const TreeChange& tree_change) {
  YamlDocument document = WEIR_TRY(parse_yaml(text, ""));
  const YamlSpan spans = WEIR_TRY(yaml_spans(text, document.root));
  const Found found = WEIR_TRY(find(document.root, spans, path));
  const Replacement replacement = WEIR_TRY(change(found, text));
  std::string out(text.substr(0, replacement.begin));
  out += replacement.text;
  out += text.substr(replacement.end);
  tree_change(*mutable_at(document.root, changed));
  const auto again = parse_yaml(out, "");
  if (!again || !same_value(again->root, document.root)) {
    return cannot("it cannot be rewritten without changing more of the file");
  }
  return out;
}

/// A list of rows under a key gets a line for each.
std::string value_text(const Found& found, const YamlNode& value, std::string_view text) {
  const bool inline_before = found.node->layout == YamlLayout::flow && !found.node->items.empty();
  const bool lines = !inline_before && value.kind == YamlKind::sequence && !value.items.empty() &&
                     found.parent != nullptr && found.parent->kind == YamlKind::map &&
                     found.parent->layout == YamlLayout::block;
  if (!lines) return " " + flow_text(value);
  const std::string indent(column_of(text, found.parent_span->starts[found.index]) + 2, ' ');
  std::string out;
  for (const YamlNode& item : value.items) out += "\n" + indent + "- " + flow_text(item);
  return out;
}

}  // namespace

YamlNode yaml_text(std::string scalar) {
  YamlNode node;
  node.kind = YamlKind::scalar;
  node.scalar = std::move(scalar);
  return node;
}

YamlNode yaml_null() {
  YamlNode node;
  node.scalar = "null";
  return node;
}

bool same_value(const YamlNode& a, const YamlNode& b) {
  if (a.kind != b.kind || a.entries.size() != b.entries.size() ||
      a.items.size() != b.items.size()) {
    return false;
  }
  if (a.kind == YamlKind::scalar && a.scalar != b.scalar) return false;
  for (size_t i = 0; i < a.entries.size(); ++i) {
    if (a.entries[i].key != b.entries[i].key) return false;
    if (!same_value(a.entries[i].value, b.entries[i].value)) return false;
  }
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!same_value(a.items[i], b.items[i])) return false;
  }
  return true;
}

const YamlNode* yaml_at(const YamlNode& root, const YamlPath& path) {
  const YamlNode* node = &root;
  for (const auto& step : path) {
    if (const auto* key = std::get_if<std::string>(&step)) {
      node = node->find(*key);
    } else {
      const size_t index = std::get<size_t>(step);
      node = index < node->items.size() ? &node->items[index] : nullptr;
    }
    if (node == nullptr) return nullptr;
  }
  return node;
}

Result<std::string> set_yaml_value(std::string_view text, const YamlPath& path,
                                   const YamlNode& value) {
  const auto change = [&](const Found& found, std::string_view all) -> Result<Replacement> {
    const YamlSpan& span = *found.span;
    if (value.kind == YamlKind::scalar && found.node->kind == YamlKind::scalar &&
        found.node->style != YamlStyle::block) {
      const char quote = found.node->style == YamlStyle::quoted ? all[span.begin] : '\0';
      return Replacement{span.begin, span.end, scalar_text(value.scalar, quote)};
    }
    // What begins in a line of its own now begins behind the colon.
    size_t begin = span.begin;
    while (begin > 0 && (all[begin - 1] == ' ' || all[begin - 1] == '\n')) --begin;
    const bool behind = begin > 0 && (all[begin - 1] == ':' || all[begin - 1] == '-');
    if (behind) return Replacement{begin, span.end, value_text(found, value, all)};
    return Replacement{span.begin, span.end, flow_text(value)};
  };
  return changed_text(text, path, path, change, [&](YamlNode& node) { node = value; });
}

Result<std::string> remove_yaml_item(std::string_view text, const YamlPath& item) {
  const YamlPath sequence(item.begin(), item.end() - 1);
  const auto change = [&](const Found& found, std::string_view all) -> Result<Replacement> {
    const YamlSpan& whole = *found.parent_span;
    const size_t i = found.index;
    if (found.parent->layout == YamlLayout::flow) {
      if (i + 1 < whole.starts.size()) {
        return Replacement{whole.starts[i], whole.starts[i + 1], {}};
      }
      return Replacement{i > 0 ? whole.parts[i - 1].end : whole.starts[i], found.span->end, {}};
    }
    const size_t begin = whole.starts[i] - column_of(all, whole.starts[i]);
    if (all.substr(begin, whole.starts[i] - begin).find_first_not_of(' ') != npos) {
      return cannot("the item shares its line with another list");
    }
    const size_t line_end = all.find('\n', found.span->end);
    return Replacement{begin, line_end == npos ? all.size() : line_end + 1, {}};
  };
  const size_t index = std::get<size_t>(item.back());
  return changed_text(text, item, sequence, change, [&](YamlNode& node) {
    node.items.erase(node.items.begin() + static_cast<long>(index));
  });
}

Result<std::string> append_yaml_item(std::string_view text, const YamlPath& sequence,
                                     const YamlNode& item) {
  const auto change = [&](const Found& found, std::string_view all) -> Result<Replacement> {
    const YamlSpan& span = *found.span;
    if (span.parts.empty()) {
      return Replacement{span.begin, span.end, "[" + flow_text(item) + "]"};
    }
    const size_t last = span.parts.size() - 1;
    const size_t end = span.parts[last].end;
    const std::string indent(column_of(all, span.starts[last]), ' ');
    if (found.node->layout == YamlLayout::flow) {
      const size_t before = last > 0 ? span.parts[last - 1].end : span.begin;
      const bool lines = all.substr(before, span.starts[last] - before).find('\n') != npos;
      return Replacement{end, end, (lines ? ",\n" + indent : ", ") + flow_text(item)};
    }
    const size_t line_end = std::min(all.find('\n', end), all.size());
    return Replacement{line_end, line_end, "\n" + indent + "- " + flow_text(item)};
  };
  return changed_text(text, sequence, sequence, change,
                      [&](YamlNode& node) { node.items.push_back(item); });
}

}  // namespace weir::text
