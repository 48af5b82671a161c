#include "objects/key_pattern.h"

#include <gtest/gtest.h>

#include <random>

#include "objects/bucket.h"

namespace weir::objects {
namespace {

TEST(KeyPattern, a_star_stays_in_one_folder) {
  EXPECT_TRUE(key_matches("*.json", "x.json"));
  EXPECT_TRUE(key_matches("*.json", "a.b.json"));
  EXPECT_FALSE(key_matches("*.json", "in/x.json"));
  EXPECT_FALSE(key_matches("*.json", "x.jsonl"));
  EXPECT_FALSE(key_matches("*.json", "x.JSON"));
  EXPECT_TRUE(key_matches("in/*/x", "in/2017/x"));
  EXPECT_FALSE(key_matches("in/*/x", "in/2017/08/x"));
  EXPECT_FALSE(key_matches("in/*/x", "in/x"));
  EXPECT_TRUE(key_matches("*a*b*", "xaxbx"));
  EXPECT_FALSE(key_matches("*a*b*", "xbxax"));
}

TEST(KeyPattern, two_stars_cross_folders_or_none) {
  EXPECT_TRUE(key_matches("**/*.json", "x.json"));
  EXPECT_TRUE(key_matches("**/*.json", "a/b/x.json"));
  EXPECT_TRUE(key_matches("in/**/x-*.csv.gz", "in/x-1.csv.gz"));
  EXPECT_TRUE(key_matches("in/**/x-*.csv.gz", "in/2017/08/x-1.csv.gz"));
  EXPECT_FALSE(key_matches("in/**/x-*.csv.gz", "in/2017/y-1.csv.gz"));
  EXPECT_FALSE(key_matches("in/**/x-*.csv.gz", "out/x-1.csv.gz"));
  EXPECT_FALSE(key_matches("**/x", "ax"));  // whole folders only
  EXPECT_TRUE(key_matches("in/**", "in/a/b"));
  EXPECT_FALSE(key_matches("in/**", "in"));
  EXPECT_TRUE(key_matches("**.json", "a/b.json"));
  EXPECT_TRUE(key_matches("a**z", "a/b/c/z"));
  EXPECT_TRUE(key_matches("a**z", "az"));
  EXPECT_TRUE(key_matches("**/b/**/c", "a/b/x/b/c"));
  EXPECT_TRUE(key_matches("**/a*/**/b*c", "x/a1/a2/y/bxc"));
}

TEST(KeyPattern, a_question_mark_is_one_character) {
  EXPECT_TRUE(key_matches("?.csv", "a.csv"));
  EXPECT_TRUE(key_matches("?.csv", "ñ.csv"));
  EXPECT_TRUE(key_matches("?.csv", "😀.csv"));
  EXPECT_FALSE(key_matches("?.csv", ".csv"));
  EXPECT_FALSE(key_matches("?.csv", "ab.csv"));
  EXPECT_FALSE(key_matches("a?b", "a/b"));
}

TEST(KeyPattern, all_else_is_literal) {
  EXPECT_TRUE(key_matches("a[1]{b}.csv", "a[1]{b}.csv"));
  EXPECT_FALSE(key_matches("a[1].csv", "a1.csv"));
  EXPECT_FALSE(key_matches("a.csv", "axcsv"));
  EXPECT_FALSE(key_matches("", "a"));
  EXPECT_FALSE(key_matches("a", ""));
}

TEST(KeyPattern, wildcards_pass_over_hidden_names) {
  EXPECT_FALSE(key_matches("*", ".x.json"));
  EXPECT_FALSE(key_matches("*.json", ".json"));
  EXPECT_FALSE(key_matches("?x", ".x"));
  EXPECT_FALSE(key_matches("**/*.json", ".git/x.json"));
  EXPECT_FALSE(key_matches("**", "a/.b/c"));
  EXPECT_FALSE(key_matches("**.json", "a/.x.json"));
  EXPECT_TRUE(key_matches(".*", ".x.json"));
  EXPECT_TRUE(key_matches("**/.git/*", "a/.git/x"));
  EXPECT_TRUE(key_matches("*", "a.b"));
}

TEST(KeyPattern, wildcards_pass_over_files_on_their_way) {
  EXPECT_FALSE(key_matches("*", "x.tmp"));
  EXPECT_FALSE(key_matches("x*", "x.json.part"));
  EXPECT_FALSE(key_matches("**", "a/x~"));
  EXPECT_TRUE(key_matches("*.tmp", "x.tmp"));
  EXPECT_TRUE(key_matches("*.part", "x.part"));
  EXPECT_TRUE(key_matches("*~", "x~"));
  EXPECT_TRUE(key_matches("*", "x.tmp.json"));
  EXPECT_TRUE(key_matches("*/x", "a.tmp/x"));
}

TEST(KeyPattern, knows_which_folders_need_reading) {
  const auto reaches = [](const char* pattern, const char* folder) {
    return KeyPattern(pattern).reaches(folder);
  };
  EXPECT_TRUE(reaches("*.json", ""));
  EXPECT_FALSE(reaches("*.json", "in"));
  EXPECT_TRUE(reaches("in/*.json", "in"));
  EXPECT_FALSE(reaches("in/*.json", "out"));
  EXPECT_FALSE(reaches("in/*.json", "in/x"));
  EXPECT_TRUE(reaches("in/*/x-*/y", "in/2017/x-1"));
  EXPECT_FALSE(reaches("in/*/x-*/y", "in/2017/y-1"));
  EXPECT_TRUE(reaches("in/**/x", "in/a/b/c"));
  EXPECT_FALSE(reaches("in/**/x", "out/a"));
  EXPECT_FALSE(reaches("**/x", "a/.git"));
  EXPECT_TRUE(reaches("**/.git/x", "a/.git"));
  EXPECT_FALSE(reaches("*/x", ".git"));
  EXPECT_TRUE(reaches("a**z", "ab"));
}

TEST(KeyPattern, does_not_blow_up) {
  std::string pattern, key(4000, 'a');
  for (int i = 0; i < 60; ++i) pattern += "**a*a";
  EXPECT_FALSE(key_matches(pattern + "b", key));
  EXPECT_TRUE(key_matches(pattern, key));
}

/// The definition, spelled out; exponential.
bool obvious(std::string_view pattern, std::string_view key, bool p_start, bool k_start) {
  if (pattern.empty()) return key.empty();
  const bool hidden = !key.empty() && key[0] == '.' && k_start;
  const auto rest_of_key = [&](std::string_view p, bool at_start) {
    return obvious(p, key.substr(1), at_start, key[0] == '/');
  };
  if (pattern.starts_with("**")) {
    const bool folders = p_start && pattern.starts_with("**/");
    const auto behind = pattern.substr(folders ? 3 : 2);
    if ((!folders || k_start) && obvious(behind, key, folders, k_start)) return true;
    return !key.empty() && !hidden && rest_of_key(pattern, p_start);
  }
  if (pattern[0] == '*') {
    if (obvious(pattern.substr(1), key, false, k_start)) return true;
    return !key.empty() && key[0] != '/' && !hidden && rest_of_key(pattern, p_start);
  }
  if (key.empty()) return false;
  if (pattern[0] == '?') return key[0] != '/' && !hidden && rest_of_key(pattern.substr(1), false);
  if (pattern[0] != key[0] || (hidden && !p_start)) return false;
  return rest_of_key(pattern.substr(1), pattern[0] == '/');
}

TEST(KeyPattern, agrees_with_the_definition) {
  std::mt19937 random(20261120);
  const auto text = [&](std::string_view letters, size_t longest) {
    std::string out;
    for (size_t n = random() % (longest + 1); n > 0; --n) out += letters[random() % letters.size()];
    return out;
  };
  int matched = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string pattern = text("ab//.**?*", 9);
    // Three stars in a row have no meaning of their own.
    for (size_t at; (at = pattern.find("***")) != std::string::npos;) pattern.erase(at, 1);
    const std::string key = text("aab/.", 9);
    if (key.empty() || key.ends_with('/')) continue;  // no keys
    const bool expected = obvious(pattern, key, true, true);
    matched += expected && pattern.find('*') != std::string::npos;
    ASSERT_EQ(key_matches(pattern, key), expected) << "'" << pattern << "' '" << key << "'";
    if (!expected) continue;
    for (size_t slash = key.find('/'); slash != std::string::npos;
         slash = key.find('/', slash + 1)) {
      ASSERT_TRUE(KeyPattern(pattern).reaches(key.substr(0, slash)))
          << "'" << pattern << "' '" << key << "'";
    }
  }
  EXPECT_GT(matched, 1000);
}

TEST(CheckKey, refuses_what_leaves_the_bucket_or_has_two_spellings) {
  for (const std::string key :
       {"", "/a", "../a", "a/..", "a/../b", "./a", "a//b", "a/", "..", "."}) {
    EXPECT_FALSE(check_key(key)) << key;
  }
  EXPECT_FALSE(check_key(std::string("a\0b", 3)));
  EXPECT_FALSE(check_key("a\xff"));
  EXPECT_FALSE(check_key("a\xc0\xaf"));
  for (const std::string key : {"a", "a/b", "...", "a..b", "ñ", "a b", ".x", "a\\b"}) {
    EXPECT_TRUE(check_key(key)) << key;
  }
}

}  // namespace
}  // namespace weir::objects
