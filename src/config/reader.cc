#include "config/reader.h"

#include "base/edit_distance.h"
#include "model/secret_name.h"

namespace weir::config {
namespace {

constexpr size_t quoted_limit = 60;

std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlKind::null: return "empty";
    case YamlKind::map: return "a map";
    case YamlKind::sequence: return "a list";
    case YamlKind::scalar: break;
  }
  const std::string_view text = node.scalar;
  if (text.size() <= quoted_limit) return "'" + node.scalar + "'";
  return "'" + std::string(text.substr(0, quoted_limit)) + "…'";
}

bool word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// The `${kind:…}` or `${kind.…}` that begins at `offset`; empty when it is something else.
std::string_view reference_at(std::string_view text, size_t offset) {
  if (text.substr(offset, 2) != "${") return {};
  size_t end = offset + 2;
  while (end < text.size() && word_character(text[end])) ++end;
  if (end == offset + 2 || end == text.size() || (text[end] != ':' && text[end] != '.')) return {};
  const size_t close = text.find('}', end);
  if (close == std::string_view::npos) return {};
  return text.substr(offset, close + 1 - offset);
}

}  // namespace

void Reader::error(const Location& at, std::string message, std::string fix) {
  ++errors_;
  diagnostics_.push_back({Severity::error, std::move(message), std::move(fix), at});
}

void Reader::warning(const Location& at, std::string message, std::string fix) {
  diagnostics_.push_back({Severity::warning, std::move(message), std::move(fix), at});
}

void Reader::note(const Location& at, std::string message, std::string fix) {
  diagnostics_.push_back({Severity::note, std::move(message), std::move(fix), at});
}

std::optional<std::string> Reader::text(const YamlNode& node, std::string_view expected,
                                        Secrets secrets) {
  if (node.kind != YamlKind::scalar) {
    wrong(node, expected);
    return std::nullopt;
  }
  std::string out;
  const std::string_view text = node.scalar;
  bool complete = true;
  for (size_t i = 0; i < text.size();) {
    const std::string_view reference = reference_at(text, i);
    if (reference.empty()) {
      out += text[i++];
    } else {
      complete = put_in(node, i, reference, secrets, out) && complete;
      i += reference.size();
    }
  }
  if (!complete) return std::nullopt;
  return out;
}

bool Reader::put_in(const YamlNode& node, size_t offset, std::string_view reference,
                    Secrets secrets, std::string& out) {
  const std::string_view inner = reference.substr(2, reference.size() - 3);
  const size_t mark = inner.find_first_of(":.");
  const std::string_view kind = inner.substr(0, mark);
  const std::string_view name = inner.substr(mark + 1);
  const Location at = offset_location(node, offset);
  if (inner[mark] == '.' && kind == "run") {
    out += reference;
    return true;
  }
  if (inner[mark] == ':' && kind == "secret") {
    out += reference;
    return use_secret(at, name, secrets);
  }
  if (inner[mark] != ':' || kind != "env") {
    error(at, "unknown reference '" + std::string(reference) + "'",
          "there are ${env:NAME}, ${secret:name}, ${run.day} and ${run.scheduled_for}");
    return false;
  }
  const size_t otherwise = name.find(":-");
  const std::string variable(name.substr(0, otherwise));
  if (const std::optional<std::string> value = variables_(variable)) {
    out += *value;
    return true;
  }
  if (otherwise != std::string_view::npos) {
    out += name.substr(otherwise + 2);
    return true;
  }
  error(at, "the environment variable '" + variable + "' is not set",
        "set it, or give a default: ${env:" + variable + ":-default}");
  return false;
}

bool Reader::use_secret(const Location& at, std::string_view name, Secrets secrets) {
  if (const Result<void> sound = check_secret_name(name); !sound) {
    error(at, sound.error().message, sound.error().fix);
    return false;
  }
  if (secrets == Secrets::refused) {
    error(at, "a secret cannot be used here: this value is shown and written down",
          "secrets go into the URL of a database, and into URLs, headers and signatures of "
          "download, notify and traces");
    return false;
  }
  secrets_.push_back({std::string(name), at});
  return true;
}

void Reader::wrong(const YamlNode& node, std::string_view expected, std::string fix) {
  const bool empty = node.kind == YamlKind::null;
  std::string about = subject();
  if (about.empty()) about = "the file";
  if (empty && fix.empty()) fix = "give a value, or remove the key";
  error(empty ? place(node) : node.location,
        about + " must be " + std::string(expected) + ", not " + describe(node), std::move(fix));
}

std::string Reader::subject() const {
  if (open_.empty()) return {};
  std::string out = open_.back().text;
  for (size_t i = open_.size() - 1; i-- > 0;) {
    if (open_[i].label == Label::named) out += " of " + open_[i].text;
  }
  return out;
}

Location Reader::place(const YamlNode& otherwise) const {
  return open_.empty() ? otherwise.location : open_.back().location;
}

Reader::Inside::Inside(Reader& reader, Label label, std::string text, Location location)
    : reader_(reader) {
  reader_.open_.push_back({label, std::move(text), std::move(location)});
}

std::string near_miss(std::string_view word, const std::vector<std::string>& candidates) {
  const std::vector<std::string_view> views(candidates.begin(), candidates.end());
  const std::optional<std::string_view> near = nearest(word, views);
  // Of a word of one or two letters, something must be left.
  if (!near || edit_distance(word, *near) >= word.size()) return {};
  return "did you mean '" + std::string(*near) + "'?";
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string near = near_miss(word, candidates);
  if (!near.empty() || candidates.empty()) return near;
  std::string list;
  constexpr size_t shown = 20;
  for (size_t i = 0; i < candidates.size() && i < shown; ++i) {
    list += (i == 0 ? "" : ", ") + candidates[i];
  }
  return "there " + std::string(candidates.size() == 1 ? "is " : "are ") + list +
         (candidates.size() > shown ? ", …" : "");
}

Location offset_location(const YamlNode& node, size_t offset) {
  if (!node.exact) return node.location;
  Location at = node.text_location;
  at.column += int(offset);
  return at;
}

}  // namespace weir::config
