#pragma once

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/outline.h"
#include "config/reader.h"

namespace weir::config {

/// A kind of value: how it is read from the file and what the schema and the reference say of it.
/// One description, three uses. Thread-safe once built.
template <class T>
struct Value {
  /// None, and at least one error in the reader, when nothing usable is there.
  std::function<std::optional<T>(const YamlNode&, Reader&)> read;
  /// A default as the schema shows it; null = not worth showing.
  std::function<text::Json(const T&)> show = [](const T&) { return text::Json(); };
  Outline outline;
};

/// What may be a name, in words and as a regular expression.
struct NameRule {
  std::string what;  ///< "table", "pipeline": also how messages call the entry
  std::string pattern;
  std::string words;
  bool (*accepts)(std::string_view name);
};

/// Names people choose for tables, buckets, pipelines …
NameRule identifier(std::string what);
/// Names that others chose: columns, JSON members.
NameRule any_name(std::string what);

/// An entry of a map whose keys are names.
template <class T>
struct Named {
  std::string name;
  Location location;  ///< of the name
  bool sound = true;  ///< reading it found no error
  T value{};
};

/// The part of reading a map with fixed keys that does not depend on what it fills: unknown,
/// repeated and missing keys. Calls `read` for each known key.
void read_keys(const Outline& outline, const YamlNode& node, Reader& reader,
               const std::function<void(size_t key, const YamlNode& value)>& read);
/// Reports a name that breaks its rule.
void check_name(const NameRule& rule, const YamlEntry& entry, Reader& reader);

Outline record_outline(Outline described);
Outline list_outline(const Outline& item);
Outline named_outline(const NameRule& rule, const Outline& value);
Outline either_outline(const Outline& first, const Outline& second);

/// Describes a map with fixed keys, key by key, beside the struct it fills.
template <class T>
class Record {
 public:
  Record(std::string title, std::string doc) {
    described_.title = std::move(title);
    described_.doc = std::move(doc);
    described_.type = "a map";
  }

  template <class Member, class V>
  Record& required(std::string name, Member T::*member, const Value<V>& value, std::string doc,
                   std::string example) {
    return add({std::move(name), std::move(doc), std::move(example), Need::required, {}, {}, {}},
               member, value);
  }
  template <class Member, class V>
  Record& optional(std::string name, Member T::*member, const Value<V>& value, std::string doc,
                   std::string example) {
    return add({std::move(name), std::move(doc), std::move(example), Need::optional, {}, {}, {}},
               member, value);
  }
  /// A key that is read and checked, with a note that nothing acts on it yet.
  template <class Member, class V>
  Record& later(std::string name, Member T::*member, const Value<V>& value, std::string doc,
                std::string example, std::string effect = "nothing acts on it") {
    return add({std::move(name),
                std::move(doc),
                std::move(example),
                Need::later,
                std::move(effect),
                {},
                {}},
               member, value);
  }
  /// Exactly one of these keys, which are all described already, must be there.
  Record& one_of(std::vector<std::string> keys) {
    described_.one_of = std::move(keys);
    return *this;
  }
  /// Looks at the whole once its keys are read.
  Record& then(std::function<void(const YamlNode&, T&, Reader&)> check) {
    check_ = std::move(check);
    return *this;
  }

  /// The described map as a value. Broken keys leave their member's default.
  Value<T> value() const {
    Value<T> out;
    out.outline = record_outline(described_);
    out.read = [outline = out.outline, setters = setters_, check = check_](
                   const YamlNode& node, Reader& reader) -> std::optional<T> {
      if (node.kind != YamlKind::map) {
        reader.wrong(node, outline.type);
        return std::nullopt;
      }
      T object{};
      if constexpr (requires { object.location; }) object.location = reader.place(node);
      read_keys(outline, node, reader,
                [&](size_t key, const YamlNode& value) { setters[key](value, reader, object); });
      if (check) check(node, object, reader);
      return object;
    };
    return out;
  }

 private:
  template <class Member, class V>
  Record& add(KeyOutline key, Member T::*member, const Value<V>& value) {
    key.value = value.outline;
    if constexpr (std::is_same_v<Member, V>) {
      if (key.need != Need::required) key.default_value = value.show(T{}.*member);
    }
    described_.keys.push_back(std::move(key));
    setters_.push_back(
        [member, read = value.read](const YamlNode& node, Reader& reader, T& object) {
          if (std::optional<V> got = read(node, reader)) object.*member = *std::move(got);
        });
    return *this;
  }

  Outline described_;
  std::vector<std::function<void(const YamlNode&, Reader&, T&)>> setters_;
  std::function<void(const YamlNode&, T&, Reader&)> check_;
};

template <class T>
Value<std::vector<T>> list(const Value<T>& item) {
  Value<std::vector<T>> out;
  out.outline = list_outline(item.outline);
  out.read = [read = item.read, type = out.outline.type](
                 const YamlNode& node, Reader& reader) -> std::optional<std::vector<T>> {
    if (node.kind != YamlKind::sequence) {
      reader.wrong(node, type, "begin each item with '- ', or write [ ]");
      return std::nullopt;
    }
    std::vector<T> items;
    const std::string list = reader.label();
    for (const YamlNode& one : node.items) {
      const Reader::Inside inside(reader, Reader::Label::key, list, one.location);
      if (std::optional<T> got = read(one, reader)) items.push_back(*std::move(got));
    }
    return items;
  };
  return out;
}

/// A map whose keys are names, in file order.
template <class T>
Value<std::vector<Named<T>>> named(const NameRule& rule, const Value<T>& value) {
  Value<std::vector<Named<T>>> out;
  out.outline = named_outline(rule, value.outline);
  out.read = [rule, read = value.read, type = out.outline.type](
                 const YamlNode& node, Reader& reader) -> std::optional<std::vector<Named<T>>> {
    if (node.kind != YamlKind::map) {
      reader.wrong(node, type);
      return std::nullopt;
    }
    std::vector<Named<T>> all;
    for (const YamlEntry& entry : node.entries) {
      const size_t errors = reader.errors();
      const Reader::Inside inside(reader, Reader::Label::named, rule.what + " '" + entry.key + "'",
                                  entry.location);
      check_name(rule, entry, reader);
      std::optional<T> got = read(entry.value, reader);
      all.push_back(
          {entry.key, entry.location, reader.errors() == errors, got ? *std::move(got) : T{}});
    }
    return all;
  };
  return out;
}

/// A value with a short form: a scalar is read as `brief` and turned into T.
template <class T, class S>
Value<T> with_short_form(const Value<T>& full, const Value<S>& brief,
                         std::function<std::optional<T>(S, const YamlNode&, Reader&)> turn) {
  Value<T> out;
  out.outline = either_outline(brief.outline, full.outline);
  out.read = [full = full.read, brief = brief.read, turn = std::move(turn),
              type = out.outline.type](const YamlNode& node, Reader& reader) -> std::optional<T> {
    if (node.kind == YamlKind::map) return full(node, reader);
    if (node.kind != YamlKind::scalar) {
      reader.wrong(node, type);
      return std::nullopt;
    }
    std::optional<S> got = brief(node, reader);
    return got ? turn(*std::move(got), node, reader) : std::nullopt;
  };
  return out;
}

}  // namespace weir::config
