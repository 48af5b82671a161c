#include "text/yaml_edit.h"

#include <gtest/gtest.h>

namespace weir::text {
namespace {

YamlNode parsed(const std::string& text) { return parse_yaml(text, "t")->root; }

std::string told(const Result<std::string>& result) {
  return result ? *result : "error: " + result.error().message;
}

TEST(YamlEdit, AScalarChangesAndNothingElse) {
  const std::tuple<std::string, YamlPath, std::string, std::string> cases[] = {
      {"a: 1 # one\nb: 2\n", {"a"}, "7", "a: 7 # one\nb: 2\n"},
      {"a: 'it''s' # one\n", {"a"}, "x'y", "a: 'x''y' # one\n"},
      {"a: \"q\"\n", {"a"}, "q\"\n", "a: \"q\\\"\\x0a\"\n"},
      {"{a: [1, {b: x y, c: 3}], d: 4}",
       {"a", size_t{1}, "b"},
       "z",
       "{a: [1, {b: z, c: 3}], d: 4}"},
      {"a:\n  - b: one\n      two\n  # kept\n  - c\n",
       {"a", size_t{0}, "b"},
       "3",
       "a:\n  - b: 3\n  # kept\n  - c\n"},
      {"a: |\n  x\n\n  y\nb: 1\n", {"a"}, "flat", "a: flat\nb: 1\n"},
      {"a: &n 1\nb: 2\n", {"a"}, "7", "a: &n 7\nb: 2\n"},
      {"a:\nb: 2\n", {"a"}, "7", "a: 7\nb: 2\n"},
      {"a: {b: , c}\n", {"a", "b"}, "x: y", "a: {b: \"x: y\" , c}\n"},
      {"a: ñ # é\nb: é\n",
       {"b"},
       "2024-01-03 10:00:00+00",
       "a: ñ # é\nb: 2024-01-03 10:00:00+00\n"},
      {"---\n# c\n'k: y': {\"a,b\": 1}",
       {"k: y", "a,b"},
       "- 2",
       "---\n# c\n'k: y': {\"a,b\": \"- 2\"}"}};
  for (const auto& [text, path, value, expected] : cases) {
    EXPECT_EQ(told(set_yaml_value(text, path, yaml_text(value))), expected);
  }
}

TEST(YamlEdit, WhatOthersRepeatIsLeftAlone) {
  const std::string text = "a: &n {x: 1}\nb: *n\nc: 3\n";
  EXPECT_EQ(told(set_yaml_value(text, {"a", "x"}, yaml_text("7"))),
            "error: it cannot be rewritten without changing more of the file");
  EXPECT_EQ(told(set_yaml_value(text, {"b", "x"}, yaml_text("7"))),
            "error: it is an alias of a value that stands elsewhere");
  EXPECT_EQ(told(set_yaml_value(text, {"c"}, yaml_text("7"))), "a: &n {x: 1}\nb: *n\nc: 7\n");
  EXPECT_EQ(told(set_yaml_value(text, {"d"}, yaml_text("7"))),
            "error: there is no such value in the file");
}

TEST(YamlEdit, ItemsComeAndGoInTheLayoutThatIsThere) {
  const YamlNode row = parsed("{id: 9, name: null}");
  const std::tuple<std::string, std::string> appended[] = {
      {"a:\n  - {id: 1} # one\n  # end\nb: 1\n",
       "a:\n  - {id: 1} # one\n  - {id: 9, name: null}\n  # end\nb: 1\n"},
      {"a:\n- id: 1\n  name: x\nb: 1", "a:\n- id: 1\n  name: x\n- {id: 9, name: null}\nb: 1"},
      {"a: [{id: 1}] # one\n", "a: [{id: 1}, {id: 9, name: null}] # one\n"},
      {"a: [{id: 1},\n    {id: 2}, # two\n   ]\n",
       "a: [{id: 1},\n    {id: 2},\n    {id: 9, name: null}, # two\n   ]\n"},
      {"a: []\n", "a: [{id: 9, name: null}]\n"}};
  for (const auto& [text, expected] : appended) {
    EXPECT_EQ(told(append_yaml_item(text, {"a"}, row)), expected);
  }
  const std::tuple<std::string, size_t, std::string> removed[] = {
      {"a:\n  - {id: 1} # one\n  # two\n  - id: 2\n    x: |\n      t\n  - 3\n", 1,
       "a:\n  - {id: 1} # one\n  # two\n  - 3\n"},
      {"a: [1, 2, 3]\n", 0, "a: [2, 3]\n"},
      {"a: [1, 2, 3]\n", 2, "a: [1, 2]\n"},
      {"a: [1,\n    2, # two\n    3]\n", 1, "a: [1,\n    3]\n"}};
  for (const auto& [text, index, expected] : removed) {
    EXPECT_EQ(told(remove_yaml_item(text, {"a", index})), expected);
  }
}

TEST(YamlEdit, AListTakesTheOldOnesPlace) {
  EXPECT_EQ(told(set_yaml_value("t:\n  a:\n    - 1\n    - 2 # two\n  b: 1\n", {"t", "a"},
                                parsed("[{x: 1}, {x: y}]"))),
            "t:\n  a:\n    - {x: 1}\n    - {x: y} # two\n  b: 1\n");
  EXPECT_EQ(told(set_yaml_value("t:\n  a:\n    - 1\n  b: 1\n", {"t", "a"}, parsed("[]"))),
            "t:\n  a: []\n  b: 1\n");
  EXPECT_EQ(told(set_yaml_value("{a: [], b: 1}", {"a"}, parsed("[1]"))), "{a: [1], b: 1}");
}

}  // namespace
}  // namespace weir::text
