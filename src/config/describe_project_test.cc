#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "config/load_project.h"
#include "config/project_entry.h"
#include "text/json.h"

namespace weir::config {
namespace {

using text::Json;

/// Calls `visit` for every key of the project file, wherever it stands.
void each_key(const Outline& outline, const std::function<void(const KeyOutline&)>& visit) {
  for (const KeyOutline& key : outline.keys) {
    visit(key);
    each_key(key.value, visit);
  }
  for (const Outline& part : outline.parts) each_key(part, visit);
}

Json to_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlKind::null: return {};
    case YamlKind::sequence: {
      Json out = Json::array();
      for (const YamlNode& item : node.items) out.push(to_json(item));
      return out;
    }
    case YamlKind::map: {
      Json out = Json::object();
      for (const YamlEntry& entry : node.entries) out.set(entry.key, to_json(entry.value));
      return out;
    }
    case YamlKind::scalar: break;
  }
  if (node.style == YamlStyle::plain) {
    if (Result<Json> plain = Json::parse(node.scalar); plain && !plain->is_string()) return *plain;
  }
  return node.scalar;
}

TEST(DescribeProject, EveryKeyIsDescribedWhole) {
  size_t keys = 0;
  each_key(project_value().outline, [&](const KeyOutline& key) {
    ++keys;
    EXPECT_FALSE(key.doc.empty()) << key.name;
    EXPECT_TRUE(key.doc.ends_with(".") || key.doc.ends_with(")")) << key.name << ": " << key.doc;
    EXPECT_FALSE(key.example.empty()) << key.name;
    EXPECT_FALSE(key.value.type.empty()) << key.name;
    EXPECT_EQ(key.need == Need::later, !key.effect.empty()) << key.name;
  });
  EXPECT_GT(keys, 60u);
}

/// An example is read by the parser it is shown for, so it cannot grow stale.
TEST(DescribeProject, EveryExampleIsYaml) {
  each_key(project_value().outline, [&](const KeyOutline& key) {
    const auto parsed = text::parse_yaml(text::yaml_scalar(key.name) + ": " + key.example, "f");
    ASSERT_TRUE(parsed) << key.name << ": " << key.example;
    ASSERT_EQ(parsed->root.entries.size(), 1u) << key.name << ": " << key.example;
    EXPECT_NE(parsed->root.entries[0].value.kind, YamlKind::null) << key.name;
  });
}

TEST(DescribeProject, SchemaHasEveryKeyWithItsDescription) {
  const Result<Json> schema = Json::parse(project_schema());
  ASSERT_TRUE(schema);
  EXPECT_EQ((*schema)["$schema"].as_string(), "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ((*schema)["type"].as_string(), "object");
  EXPECT_EQ((*schema)["additionalProperties"], Json(false));
  EXPECT_EQ((*schema)["required"], Json::array().push("project"));
  EXPECT_EQ((*schema)["properties"]["memory"]["default"].as_string(), "1GiB");

  const Json& tables = (*schema)["properties"]["tables"];
  ASSERT_EQ(tables["patternProperties"].as_object().size(), 1u);
  const Json& table = tables["patternProperties"].as_object()[0].second;
  EXPECT_EQ(table["required"], Json::array().push("in").push("columns"));
  EXPECT_EQ(table["additionalProperties"], Json(false));
  EXPECT_EQ(table["properties"]["on_bad_row"]["default"].as_string(), "quarantine");
  EXPECT_EQ(table["properties"]["on_bad_row"]["anyOf"].as_array()[0]["enum"],
            Json::array().push("quarantine").push("fail"));

  std::multiset<std::string> described;
  const std::function<void(const Json&)> collect = [&](const Json& json) {
    for (const auto& [name, key] : json["properties"].as_object()) {
      described.insert(name);
      EXPECT_FALSE(key["description"].as_string().empty()) << name;
    }
    for (const auto& [name, value] : json.as_object()) collect(value);
    for (const Json& value : json.as_array()) collect(value);
  };
  collect(*schema);
  std::multiset<std::string> keys;
  each_key(project_value().outline, [&](const KeyOutline& key) { keys.insert(key.name); });
  EXPECT_EQ(described, keys);
}

TEST(DescribeProject, ReferenceMentionsEveryKey) {
  const std::string page = project_reference();
  each_key(project_value().outline, [&](const KeyOutline& key) {
    EXPECT_THAT(page, testing::HasSubstr("| `" + key.name + "` |")) << key.name;
  });
  std::set<std::string> titles;
  for (size_t at = page.find("\n## "); at != std::string::npos; at = page.find("\n## ", at + 1)) {
    EXPECT_TRUE(titles.insert(page.substr(at, page.find('\n', at + 1) - at)).second);
  }
  EXPECT_GE(titles.size(), 10u);
  // A table row has six bars that are not escaped.
  size_t begin = 0;
  for (size_t end; (end = page.find('\n', begin)) != std::string::npos; begin = end + 1) {
    if (page[begin] != '|') continue;
    size_t bars = 0;
    for (size_t i = begin; i < end; ++i) bars += page[i] == '|' && (i == 0 || page[i - 1] != '\\');
    EXPECT_EQ(bars, 6u) << page.substr(begin, end - begin);
  }
}

/// Defaults that the schema shows are taken by the parser as the very same value.
TEST(DescribeProject, DefaultsReadBack) {
  std::string text;
  const Outline& project = project_value().outline;
  for (const KeyOutline& key : project.keys) {
    if (!key.default_value.is_null())
      text += key.name + ": " + key.default_value.to_string() + "\n";
  }
  const auto parsed = text::parse_yaml("project: p\n" + text, "f");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(to_json(*parsed->root.find("memory")).as_string(), "1GiB");
  Reader reader([](const std::string&) { return std::nullopt; });
  const std::optional<ProjectEntry> entry = project_value().read(parsed->root, reader);
  EXPECT_EQ(reader.errors(), 0u);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->memory.value, Project{}.memory_bytes);
}

}  // namespace
}  // namespace weir::config
