#include "text/yaml.h"

#include <gtest/gtest.h>

namespace weir::text {
namespace {

YamlNode parse(std::string_view text) {
  const Result<YamlDocument> document = parse_yaml(text, "f");
  EXPECT_TRUE(document) << (document ? "" : document.error().to_string());
  if (!document) return {};
  EXPECT_TRUE(document->problems.empty());
  return document->root;
}

std::string error_of(std::string_view text, const YamlLimits& limits = {}) {
  const Result<YamlDocument> document = parse_yaml(text, "f", limits);
  return document ? "no error" : document.error().to_string();
}

TEST(Yaml, EmptyTextIsNull) {
  EXPECT_EQ(parse("").kind, YamlKind::null);
  EXPECT_EQ(parse("# only a comment\n").kind, YamlKind::null);
}

TEST(Yaml, KeepsPlacesOfKeysAndValues) {
  const YamlNode root = parse("a: 1\nb:\n  - x\n  - {ü: é, k: v}\n");
  ASSERT_EQ(root.entries.size(), 2u);
  EXPECT_EQ(root.entries[0].location, (Location{"f", 1, 1}));
  EXPECT_EQ(root.entries[0].value.location, (Location{"f", 1, 4}));
  EXPECT_EQ(root.layout, YamlLayout::block);
  const YamlNode& list = root.entries[1].value;
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_EQ(list.items[0].location, (Location{"f", 3, 5}));
  const YamlNode& flow = list.items[1];
  EXPECT_EQ(flow.layout, YamlLayout::flow);
  EXPECT_EQ(flow.location, (Location{"f", 4, 5}));
  EXPECT_EQ(flow.entries[1].location, (Location{"f", 4, 12})) << "columns count characters";
  EXPECT_EQ(flow.entries[1].value.location, (Location{"f", 4, 15}));
}

struct ScalarCase {
  std::string_view text;  ///< of the value of `k`
  std::string scalar;
  YamlStyle style;
  bool exact;
  int line, column;            ///< of location
  int text_line, text_column;  ///< of text_location
};

TEST(Yaml, KnowsHowAScalarWasWritten) {
  const ScalarCase cases[] = {
      {"k: a b", "a b", YamlStyle::plain, true, 1, 4, 1, 4},
      {"k: 'a b'", "a b", YamlStyle::quoted, true, 1, 4, 1, 5},
      {"k: \"a b\"", "a b", YamlStyle::quoted, true, 1, 4, 1, 5},
      {"k: 'it''s'", "it's", YamlStyle::quoted, false, 1, 4, 1, 5},
      {"k: \"a\\tb\"", "a\tb", YamlStyle::quoted, false, 1, 4, 1, 5},
      {"k: é", "é", YamlStyle::plain, false, 1, 4, 1, 4},
      {"k: a\n  b", "a b", YamlStyle::plain, false, 1, 4, 1, 4},
      {"k: >\n\n   a\n   b\n", "\na b\n", YamlStyle::block, false, 1, 4, 3, 4},
      {"k: |\n  a\n  b\n", "a\nb\n", YamlStyle::block, false, 1, 4, 2, 3},
      {"k: !!str 5", "5", YamlStyle::quoted, true, 1, 10, 1, 10},
      {"k: &name 'x'", "x", YamlStyle::quoted, true, 1, 10, 1, 11},
      {"k: a\r\nm: b\r\n", "a", YamlStyle::plain, true, 1, 4, 1, 4},
      {"\xEF\xBB\xBFk: a", "a", YamlStyle::plain, true, 1, 4, 1, 4},
  };
  for (const ScalarCase& c : cases) {
    SCOPED_TRACE(c.text);
    const YamlNode root = parse(c.text);
    ASSERT_TRUE(root.find("k"));
    const YamlNode& node = *root.find("k");
    EXPECT_EQ(node.kind, YamlKind::scalar);
    EXPECT_EQ(node.scalar, c.scalar);
    EXPECT_EQ(node.style, c.style);
    EXPECT_EQ(node.exact, c.exact);
    EXPECT_EQ(node.location, (Location{"f", c.line, c.column}));
    EXPECT_EQ(node.text_location, (Location{"f", c.text_line, c.text_column}));
  }
}

TEST(Yaml, TellsWrittenNullsFromMissingValues) {
  const YamlNode root = parse("a:\nb: ~\nc: null\nd: {e: , f}\ng: 'null'\n");
  EXPECT_EQ(root.find("a")->scalar, "");
  EXPECT_EQ(root.find("a")->location, (Location{"f", 1, 1}));
  EXPECT_EQ(root.find("b")->scalar, "~");
  EXPECT_EQ(root.find("c")->scalar, "null");
  EXPECT_EQ(root.find("c")->location, (Location{"f", 3, 4}));
  EXPECT_EQ(root.find("d")->entries[1].key, "f");
  EXPECT_EQ(root.find("d")->entries[1].value.kind, YamlKind::null);
  EXPECT_EQ(root.find("g")->kind, YamlKind::scalar);
  const YamlNode keys = parse("a:\nnullable: 1\nb:\nnull : 2\n");
  EXPECT_EQ(keys.entries[0].value.scalar, "");
  EXPECT_EQ(keys.entries[2].value.scalar, "");
  EXPECT_EQ(keys.entries[3].key, "null");
}

TEST(Yaml, KeepsDuplicateKeys) {
  const YamlNode root = parse("a: 1\na: 2\n");
  ASSERT_EQ(root.entries.size(), 2u);
  EXPECT_EQ(root.entries[1].location, (Location{"f", 2, 1}));
  EXPECT_EQ(root.find("a")->scalar, "1");
}

TEST(Yaml, AliasesRepeatTheirValue) {
  const YamlNode root = parse("a: &x {k: [1, 2]}\nb: *x\n");
  ASSERT_TRUE(root.find("b")->find("k"));
  EXPECT_EQ(root.find("b")->find("k")->items.size(), 2u);
}

TEST(Yaml, BrokenTextSaysWhereAndHowToMend) {
  const std::pair<std::string_view, std::string> cases[] = {
      {"a: b: c\n",
       "f:1:5: this ': ' does not fit here: the value before it goes on, or the indentation is "
       "off; "
       "quote a value that holds ': ', and align keys that belong together"},
      {"a: duckdb://:memory:\n",
       "f:1:20: YAML takes a value that ends with ':' for a key; quote the value"},
      {"a: \"x\nb: 1\n", "f:1:4: this quote is never closed; add the closing \""},
      {"a: 'it''s\n", "f:1:4: this quote is never closed; add the closing '"},
      {"a:\n\tb: 1\n", "f:2:3: a tab indents this line; indent with spaces"},
      {"a: {b: json[]}\n",
       "f:1:12: the bracket { or [ is not closed where YAML expects it; close it; inside brackets "
       "quote a value that holds , ? [ ] { or }"},
      {"a: *.json\n",
       "f:1:4: YAML reads a value that begins with '*' as an alias; quote the value"},
      {"a: {b: x?y}\n",
       "f:1:9: inside brackets YAML takes '?' for a sign of its own; quote the whole value"},
      {"a: @x\n", "f:1:4: a value cannot begin with this character; quote the value"},
      {"a: 1\n---\nb: 2\n",
       "f:2:1: a second document begins here; keep one document per file, without '---'"},
      {"? [a]\n: b\n", "f:1:3: a key must be plain text; quote it if it begins with [ or {"},
      {"a: &x [*x]\n", "f:1:8: this alias stands inside the value it repeats; write the value out"},
      {"a: b\x04\n",
       "f:1:5: a control character (byte 4); remove it, or write it as an escape in double quotes"},
      {"a: \n  b\xFF\n", "f:2:4: bytes that are not UTF-8; save the file as UTF-8"},
      {": x\n", "f:1:1: a ':' without a key in front of it; name the key"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(error_of(text), expected) << text;
}

TEST(Yaml, OwnTagsAreProblems) {
  const Result<YamlDocument> document = parse_yaml("a: !Ref x\nb: 1\n", "f");
  ASSERT_TRUE(document);
  ASSERT_EQ(document->problems.size(), 1u);
  EXPECT_EQ(
      document->problems[0].to_string(),
      "f:1:4: the tag '!Ref' has no meaning here; remove it, or quote a text that begins with "
      "'!'");
  EXPECT_EQ(document->root.find("a")->scalar, "x");
}

TEST(Yaml, LimitsHold) {
  EXPECT_EQ(
      error_of("a: 12345", {.size_bytes = 7}),
      "f: the file is larger than 7 bytes; a project file is written by hand; keep data out of "
      "it");
  EXPECT_EQ(error_of(std::string(100, '[') + std::string(100, ']')),
            "f:1:65: more than 64 levels of nesting; flatten it");
  EXPECT_NE(error_of(std::string(100'000, '[')), "no error");
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string inner = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + inner;
    for (int k = 0; k < 9; ++k) bomb += ", " + inner;
    bomb += "]\n";
  }
  EXPECT_NE(error_of(bomb).find("more than 100000 values"), std::string::npos);
}

TEST(Yaml, ManyMissingValuesStayFast) {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += "a" + std::to_string(i) + ":\n";
  EXPECT_EQ(parse(text).entries.size(), 40'000u);
}

TEST(Yaml, ScalarReadsBackAsItself) {
  const std::string_view texts[] = {"",       "plain", "a b",    "null", "Yes",   "1",
                                    "-",      "a: b",  "# no",   "it's", "\"q\"", "a\\b",
                                    "a\nb\t", "ü€",    "*x",     "{a}",  "@",     "a-b.c/d",
                                    "~",      " lead", "trail ", "\x01", "%",     "0x1f"};
  for (const std::string_view text : texts) {
    for (const std::string& file : {"k: " + yaml_scalar(text), "k: {k: " + yaml_scalar(text) + "}",
                                    yaml_scalar(text) + ": k"}) {
      const YamlNode root = parse(file);
      ASSERT_EQ(root.entries.size(), 1u) << file;
      const YamlNode& value = root.entries[0].value;
      const std::string& back = root.entries[0].key != "k" || value.kind == YamlKind::null
                                    ? root.entries[0].key
                                : value.kind == YamlKind::map ? value.entries[0].value.scalar
                                                              : value.scalar;
      EXPECT_EQ(back, text) << file;
    }
  }
}

}  // namespace
}  // namespace weir::text
