#include "config/bind.h"

#include <algorithm>

namespace weir::config {
namespace {

using text::Json;

constexpr size_t longest_name = 200;

bool is_identifier(std::string_view name) {
  const auto word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.size() <= longest_name && word(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return word(c) || c == '-'; });
}

bool is_any_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_name &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return (static_cast<unsigned char>(c) < ' ') || c == 127; });
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

std::vector<std::string> key_names(const Outline& outline) {
  std::vector<std::string> names;
  for (const KeyOutline& key : outline.keys) names.push_back(key.name);
  return names;
}

/// An unknown key that is no key at all: the rest of the value before it, cut off at a comma.
bool cut_by_comma(const YamlNode& node, size_t entry) {
  if (node.layout != YamlLayout::flow || entry == 0) return false;
  const YamlEntry& rest = node.entries[entry];
  const YamlNode& before = node.entries[entry - 1].value;
  return rest.style == YamlStyle::plain && rest.value.kind == YamlKind::null &&
         rest.value.scalar.empty() && before.kind == YamlKind::scalar &&
         before.style == YamlStyle::plain;
}

void report_unknown(const Outline& outline, const YamlNode& node, size_t entry, Reader& reader) {
  const YamlEntry& unknown = node.entries[entry];
  const std::string subject = reader.subject();
  if (cut_by_comma(node, entry)) {
    const YamlEntry& before = node.entries[entry - 1];
    reader.error(unknown.location,
                 "inside { } a comma ends the value: '" + before.key + "' became '" +
                     before.value.scalar + "', and '" + unknown.key + "' a key of its own",
                 "quote the whole value: " + before.key + ": \"" + before.value.scalar + ", " +
                     unknown.key + "\"");
    return;
  }
  const std::vector<std::string> known = key_names(outline);
  reader.error(unknown.location,
               "unknown key '" + unknown.key + "'" + (subject.empty() ? "" : " in " + subject),
               suggestion(unknown.key, known));
}

/// Whether an unknown key was most likely meant to be this one, and was reported as that.
bool is_misspelt(const Outline& outline, const std::string& key, const YamlNode& node) {
  const std::vector<std::string> known = key_names(outline);
  const std::string suggested = "did you mean '" + key + "'?";
  return std::any_of(node.entries.begin(), node.entries.end(), [&](const YamlEntry& entry) {
    return std::find(known.begin(), known.end(), entry.key) == known.end() &&
           near_miss(entry.key, known) == suggested;
  });
}

void report_missing(const Outline& outline, const std::vector<bool>& seen, const YamlNode& node,
                    Reader& reader) {
  const std::string subject = reader.subject();
  for (size_t i = 0; i < outline.keys.size(); ++i) {
    const KeyOutline& key = outline.keys[i];
    if (key.need != Need::required || seen[i] || is_misspelt(outline, key.name, node)) continue;
    reader.error(reader.place(node),
                 "'" + key.name + "' is missing" + (subject.empty() ? "" : " in " + subject),
                 "add e.g. " + key.name + ": " + key.example);
  }
}

void check_one_of(const Outline& outline, const std::vector<bool>& seen, const YamlNode& node,
                  Reader& reader) {
  std::vector<std::string> present;
  for (size_t i = 0; i < outline.keys.size(); ++i) {
    const std::string& name = outline.keys[i].name;
    const bool counts =
        std::find(outline.one_of.begin(), outline.one_of.end(), name) != outline.one_of.end();
    if (counts && seen[i]) present.push_back(name);
  }
  if (outline.one_of.empty() || present.size() == 1) return;
  // An item of a list is told apart by its kind, everything else by its name.
  const bool item = reader.place(node) == node.location;
  const std::string of = reader.subject().empty() ? "" : " in " + reader.subject();
  const std::string what = item || of.empty() ? "a " + outline.title + of : reader.subject();
  if (present.empty()) {
    // An unknown key was reported already, and is most likely what was meant.
    const std::vector<std::string> known = key_names(outline);
    for (const YamlEntry& entry : node.entries) {
      if (std::find(known.begin(), known.end(), entry.key) == known.end()) return;
    }
    reader.error(node.location, what + " needs one of " + joined(outline.one_of));
    return;
  }
  reader.error(
      node.location,
      what + " has one of " + joined(outline.one_of) + ", not " + std::to_string(present.size()),
      item ? "begin a new list item with '- ' for each" : "keep one of them");
}

}  // namespace

NameRule identifier(std::string what) {
  return {std::move(what), "^[A-Za-z0-9_][A-Za-z0-9_-]*$", "letters, digits, '_' and '-'",
          is_identifier};
}

NameRule any_name(std::string what) {
  return {std::move(what), "^[^\\u0000-\\u001f\\u007f]+$",
          "1 to 200 bytes without control characters", is_any_name};
}

void check_name(const NameRule& rule, const YamlEntry& entry, Reader& reader) {
  if (rule.accepts(entry.key)) return;
  reader.error(entry.location, "'" + entry.key + "' cannot be the name of a " + rule.what,
               "names are made of " + rule.words);
}

void read_keys(const Outline& outline, const YamlNode& node, Reader& reader,
               const std::function<void(size_t key, const YamlNode& value)>& read) {
  std::vector<bool> seen(outline.keys.size(), false);
  std::vector<bool> cut(node.entries.size(), false);
  const std::vector<std::string> known = key_names(outline);
  for (size_t e = 0; e < node.entries.size(); ++e) {
    const std::string& name = node.entries[e].key;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    report_unknown(outline, node, e, reader);
    if (cut_by_comma(node, e)) cut[e - 1] = true;
  }
  for (size_t e = 0; e < node.entries.size(); ++e) {
    const YamlEntry& entry = node.entries[e];
    for (size_t i = 0; i < outline.keys.size(); ++i) {
      const KeyOutline& key = outline.keys[i];
      if (key.name != entry.key) continue;
      seen[i] = true;
      if (cut[e]) continue;  // reported; half a value would only add noise
      const Reader::Inside inside(reader, Reader::Label::key, "'" + key.name + "'", entry.location);
      if (key.need == Need::later) {
        reader.note(entry.location, reader.subject() + " is not there yet: " + key.effect);
      }
      read(i, entry.value);
    }
  }
  report_missing(outline, seen, node, reader);
  check_one_of(outline, seen, node, reader);
}

Outline record_outline(Outline described) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const KeyOutline& key : described.keys) {
    Json schema = key.value.schema.is_object() ? key.value.schema : Json::object();
    schema.set("description",
               key.doc + (key.need == Need::later ? " (Not there yet: " + key.effect + ".)" : ""));
    if (!key.default_value.is_null()) schema.set("default", key.default_value);
    properties.set(key.name, std::move(schema));
    if (key.need == Need::required) required.push(key.name);
  }
  Json schema = Json::object();
  schema.set("type", "object").set("description", described.doc).set("properties", properties);
  if (!required.as_array().empty()) schema.set("required", required);
  if (!described.one_of.empty()) {
    Json choices = Json::array();
    for (const std::string& key : described.one_of) {
      choices.push(Json::object().set("required", Json::array().push(key)));
    }
    schema.set("oneOf", choices);
  }
  schema.set("additionalProperties", false);
  described.schema = std::move(schema);
  return described;
}

Outline list_outline(const Outline& item) {
  Outline out;
  out.type = "a list";
  out.schema = Json::object().set("type", "array").set("items", item.schema);
  out.parts = {item};
  return out;
}

Outline named_outline(const NameRule& rule, const Outline& value) {
  Outline out;
  out.type = "a map of " + rule.what + " names";
  out.schema = Json::object()
                   .set("type", "object")
                   .set("patternProperties", Json::object().set(rule.pattern, value.schema))
                   .set("additionalProperties", false);
  out.parts = {value};
  return out;
}

Outline either_outline(const Outline& first, const Outline& second) {
  Outline out;
  out.type = first.type + " or " + second.type;
  out.schema = Json::object().set("anyOf", Json::array().push(first.schema).push(second.schema));
  out.parts = {first, second};
  return out;
}

}  // namespace weir::config
