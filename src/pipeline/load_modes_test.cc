// Every cell of the matrix in docs/reference/modes.md: the mode against where the key was seen
// before; one input, several inputs of one batch, and inputs that several threads read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/yaml_project_for_test.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;

constexpr const char* keyed = "  t: {in: w, columns: {id: integer | key, v: varchar}}";
constexpr const char* pair_keyed =
    "  t: {in: w, columns: {a: integer, b: varchar(3), v: varchar}, key: [a, b]}";
constexpr const char* keyless = "  t: {in: w, columns: {id: integer, v: varchar}}";

class LoadModes : public testing::Test {
 protected:
  std::vector<std::string> rows() { return test_.query("SELECT id, v FROM t ORDER BY ALL"); }

  YamlProject test_{keyed};
};

// ----- one input

TEST_F(LoadModes, AppendRejectsWhatIsThereAlready) {
  Receipt receipt = test_.load_one("t-append", "id,v\n1,a\n2,b\n1,c\n1,d\n");
  EXPECT_EQ(summary(receipt), "read 4 inserted 2 rejected 2");
  EXPECT_EQ(receipt.status, RunState::partial);
  EXPECT_THAT(rejects_of(receipt),
              ElementsAre("3: id key (an earlier row of the input has the key 1)",
                          "4: id key (an earlier row of the input has the key 1)"));
  receipt = test_.load_one("t-append", "id,v\n2,x\n3,y\n2,z\n");
  EXPECT_EQ(summary(receipt), "read 3 inserted 1 rejected 2");
  EXPECT_THAT(rejects_of(receipt),
              ElementsAre("1: id key (the table already has the key 2)",
                          "3: id key (an earlier row of the input has the key 2)"));
  EXPECT_THAT(rows(), ElementsAre("1|a", "2|b", "3|y"));
}

TEST_F(LoadModes, IgnoreLeavesOutWhatIsThereAlready) {
  EXPECT_EQ(summary(test_.load_one("t-ignore", "id,v\n1,a\n2,b\n1,c\n1,d\n")),
            "read 4 inserted 2 deduplicated 2");
  const Receipt receipt = test_.load_one("t-ignore", "id,v\n2,x\n3,y\n2,z\n3,z\n");
  EXPECT_EQ(summary(receipt), "read 4 inserted 1 deduplicated 3");
  EXPECT_EQ(receipt.status, RunState::succeeded);
  EXPECT_THAT(rows(), ElementsAre("1|a", "2|b", "3|y"));
}

TEST_F(LoadModes, MergeLetsTheLastWin) {
  EXPECT_EQ(summary(test_.load_one("t-merge", "id,v\n1,a\n2,b\n1,c\n3,\n1,d\n")),
            "read 5 inserted 3 deduplicated 2");
  EXPECT_EQ(summary(test_.load_one("t-merge", "id,v\n2,x\n2,b\n1,e\n3,\n4,new\n")),
            "read 5 inserted 1 updated 1 unchanged 2 deduplicated 1");
  EXPECT_THAT(rows(), ElementsAre("1|e", "2|b", "3|NULL", "4|new"));
}

TEST_F(LoadModes, MergeTellsNullFromAValue) {
  test_.load_one("t-merge", "id,v\n1,\n2,b\n");
  EXPECT_EQ(summary(test_.load_one("t-merge", "id,v\n1,x\n2,\n")), "read 2 updated 2");
  EXPECT_THAT(rows(), ElementsAre("1|x", "2|NULL"));
}

TEST_F(LoadModes, ReplaceDeletesFirst) {
  EXPECT_EQ(summary(test_.load_one("t-replace", "id,v\n1,a\n2,b\n1,c\n")),
            "read 3 inserted 2 rejected 1");
  const Receipt receipt = test_.load_one("t-replace", "id,v\n2,x\n3,y\n");
  EXPECT_EQ(summary(receipt), "read 2 inserted 2 replaced 2");
  EXPECT_THAT(rows(), ElementsAre("2|x", "3|y"));
  EXPECT_EQ(summary(test_.load_one("t-replace", "id,v\n")), "replaced 2");
  EXPECT_THAT(rows(), ElementsAre());
}

TEST_F(LoadModes, AReplaceThatFailsLeavesTheOldRows) {
  YamlProject strict(
      "  t: {in: w, columns: {id: integer | key, v: varchar}, stop_at: {rejected: 0}}");
  strict.load_one("t-replace", "id,v\n1,a\n");
  const Receipt receipt = strict.load_one("t-replace", "id,v\n2,b\n2,c\n");
  ASSERT_TRUE(receipt.error);
  EXPECT_EQ(receipt.error->code, ErrorCode::too_many_rejects);
  EXPECT_EQ(receipt.rejects.size(), 1u);
  EXPECT_THAT(strict.query("SELECT id, v FROM t"), ElementsAre("1|a"));
}

TEST_F(LoadModes, WithoutAKeyNoRowRepeatsAnother) {
  YamlProject test(keyless);
  EXPECT_EQ(summary(test.load_one("t-append", "id,v\n1,a\n1,a\n,b\n")), "read 3 inserted 3");
  EXPECT_EQ(summary(test.load_one("t-append", "id,v\n1,a\n")), "read 1 inserted 1");
  EXPECT_EQ(summary(test.load_one("t-replace", "id,v\n1,z\n1,z\n")),
            "read 2 inserted 2 replaced 4");
  EXPECT_THAT(test.query("SELECT id, v FROM t"), ElementsAre("1|z", "1|z"));
  EXPECT_EQ(summary(test.load_one("t-replace", "id,v\nx,z\n")), "read 1 rejected 1 replaced 2");
}

TEST_F(LoadModes, AKeyOfSeveralColumnsCountsAsAWhole) {
  YamlProject test(pair_keyed);
  Receipt receipt = test.load_one("t-append", "a,b,v\n1,x,1\n1,y,2\n2,x,3\n1,x,4\n1,,5\n");
  EXPECT_EQ(summary(receipt), "read 5 inserted 3 rejected 2");
  EXPECT_THAT(rejects_of(receipt),
              ElementsAre("4: a key (an earlier row of the input has the key 1, x)",
                          "5: b required (a value is required)"));
  EXPECT_EQ(summary(test.load_one("t-merge", "a,b,v\n1,x,9\n2,y,8\n2,x,3\n")),
            "read 3 inserted 1 updated 1 unchanged 1");
  EXPECT_EQ(summary(test.load_one("t-ignore", "a,b,v\n1,x,7\n3,x,7\n3,x,6\n")),
            "read 3 inserted 1 deduplicated 2");
  EXPECT_THAT(test.query("SELECT a, b, v FROM t ORDER BY ALL"),
              ElementsAre("1|x|9", "1|y|2", "2|x|3", "2|y|8", "3|x|7"));
}

TEST_F(LoadModes, ATableOfNothingButItsKey) {
  YamlProject test("  t: {in: w, columns: {id: integer | key}}");
  EXPECT_EQ(summary(test.load_one("t-merge", "id\n1\n2\n1\n")), "read 3 inserted 2 deduplicated 1");
  EXPECT_EQ(summary(test.load_one("t-merge", "id\n2\n3\n")), "read 2 inserted 1 unchanged 1");
}

TEST_F(LoadModes, ADuplicateKeyInTheTableIsFoundOut) {
  test_.query("INSERT INTO t VALUES (1, 'a'), (1, 'b')");
  for (const char* text : {"id,v\n1,c\n", "id,v\n1,c\n2,c\n3,c\n"}) {
    const Receipt receipt = test_.load_one("t-merge", text);
    ASSERT_TRUE(receipt.error);
    EXPECT_EQ(receipt.error->message, "table 't' holds a key of this input more than once");
  }
  EXPECT_THAT(rows(), ElementsAre("1|a", "1|b"));
}

// ----- several inputs in one call: as if each had been loaded by itself

TEST_F(LoadModes, AppendOfSeveralInputs) {
  test_.load_one("t-append", "id,v\n9,old\n");
  const auto receipts = test_.load_all(
      "t-append", {"id,v\n1,a\n2,a\n", "id,v\n2,b\n3,b\n2,b\n9,b\n", "id,v\n3,c\n3,c\n4,c\n"});
  EXPECT_EQ(summary(receipts[0]), "read 2 inserted 2");
  EXPECT_EQ(summary(receipts[1]), "read 4 inserted 1 rejected 3");
  EXPECT_EQ(summary(receipts[2]), "read 3 inserted 1 rejected 2");
  EXPECT_THAT(rejects_of(receipts[1]),
              ElementsAre("1: id key (the table already has the key 2)",
                          "3: id key (an earlier row of the input has the key 2)",
                          "4: id key (the table already has the key 9)"));
  EXPECT_THAT(rejects_of(receipts[2]),
              ElementsAre("1: id key (the table already has the key 3)",
                          "2: id key (an earlier row of the input has the key 3)"));
  EXPECT_THAT(rows(), ElementsAre("1|a", "2|a", "3|b", "4|c", "9|old"));
}

TEST_F(LoadModes, IgnoreOfSeveralInputs) {
  test_.load_one("t-append", "id,v\n9,old\n");
  const auto receipts = test_.load_all(
      "t-ignore", {"id,v\n1,a\n2,a\n", "id,v\n2,b\n3,b\n2,b\n9,b\n", "id,v\n3,c\n3,c\n4,c\n"});
  EXPECT_EQ(summary(receipts[0]), "read 2 inserted 2");
  EXPECT_EQ(summary(receipts[1]), "read 4 inserted 1 deduplicated 3");
  EXPECT_EQ(summary(receipts[2]), "read 3 inserted 1 deduplicated 2");
  EXPECT_THAT(rows(), ElementsAre("1|a", "2|a", "3|b", "4|c", "9|old"));
}

TEST_F(LoadModes, MergeOfSeveralInputs) {
  test_.load_one("t-append", "id,v\n1,old\n");
  const auto apart =
      test_.load_all("t-merge", {"id,v\n1,a\n2,a\n2,b\n", "id,v\n3,b\n", "id,v\n4,c\n4,c\n"});
  EXPECT_EQ(summary(apart[0]), "read 3 inserted 1 updated 1 deduplicated 1");
  EXPECT_EQ(summary(apart[1]), "read 1 inserted 1");
  EXPECT_EQ(summary(apart[2]), "read 2 inserted 1 deduplicated 1");
  const auto shared =
      test_.load_all("t-merge", {"id,v\n1,x\n5,x\n", "id,v\n1,y\n2,b\n", "id,v\n1,y\n5,z\n"});
  EXPECT_EQ(summary(shared[0]), "read 2 inserted 1 updated 1");
  EXPECT_EQ(summary(shared[1]), "read 2 updated 1 unchanged 1");
  EXPECT_EQ(summary(shared[2]), "read 2 updated 1 unchanged 1");
  EXPECT_THAT(rows(), ElementsAre("1|y", "2|b", "3|b", "4|c", "5|z"));
}

TEST_F(LoadModes, ReplaceOfSeveralInputs) {
  test_.load_one("t-append", "id,v\n9,old\n");
  const auto receipts =
      test_.load_all("t-replace", {"id,v\n1,a\n2,a\n", "id,v\n2,b\n2,b\n", "id,v\n3,c\n"});
  EXPECT_EQ(summary(receipts[0]), "read 2 inserted 2 replaced 1");
  EXPECT_EQ(summary(receipts[1]), "read 2 inserted 1 rejected 1 replaced 2");
  EXPECT_EQ(summary(receipts[2]), "read 1 inserted 1 replaced 1");
  EXPECT_THAT(rows(), ElementsAre("3|c"));
}

// ----- large inputs: the same whatever the number of threads

/// Keys that come again, near and far: over several blocks.
std::string large_text(int rows) {
  std::string text = "id,v\n";
  for (int i = 0; i < rows; ++i) {
    text += std::to_string(int64_t{i} * 7919 % (rows * 2 / 3)) + ",value " + std::to_string(i) +
            " of some length so that the file has more than one block\n";
  }
  return text;
}

TEST_F(LoadModes, ManyThreadsDecideAsOne) {
  constexpr int count = 70'000;  // 5 MB
  const std::string first = large_text(count);
  const std::string second = large_text(count + 3000);
  for (const char* mode : {"t-append", "t-ignore", "t-merge", "t-replace"}) {
    std::vector<std::vector<std::string>> seen;
    for (const int threads : {1, 8}) {
      YamlProject test(keyed);
      test.query("SET threads = " + std::to_string(threads));
      const auto receipts = test.load_all(mode, {first, second});
      seen.push_back({summary(receipts[0]), summary(receipts[1]),
                      test.query("SELECT count(*), md5(string_agg(id || v, ',' ORDER BY id)) "
                                 "FROM t")[0],
                      test.query("SELECT count(*), md5(string_agg(problems, ',' ORDER BY key, "
                                 "element)) FROM weir_rejects")[0]});
    }
    EXPECT_EQ(seen[0], seen[1]) << mode;
  }
}

TEST_F(LoadModes, TheFirstAndTheLastGoByInputOrder) {
  constexpr int count = 100'000;
  const std::string text = large_text(count);
  const int keys = count * 2 / 3;
  // Row i has the key of row i − keys: it is the last of its key, that one the first.
  test_.load_one("t-ignore", text);
  EXPECT_THAT(test_.query("SELECT count(*), max(regexp_extract(v, '[0-9]+')::INTEGER) FROM t"),
              ElementsAre(std::to_string(keys) + "|" + std::to_string(keys - 1)));
  test_.load_one("t-replace", "id,v\n");
  EXPECT_EQ(summary(test_.load_one("t-merge", text)),
            "read 100000 inserted 66666 deduplicated 33334");
  EXPECT_THAT(test_.query("SELECT count(*), min(regexp_extract(v, '[0-9]+')::INTEGER) FROM t"),
              ElementsAre(std::to_string(keys) + "|" + std::to_string(count - keys)));
}

/// `changed`: from which row on v is another one than in a text of the same rows.
std::string rows_text(int rows, int changed) {
  std::string text = "id,v\n";
  for (int i = 0; i < rows; ++i) {
    text += std::to_string(i) + (i < changed ? ",old" : ",new") + std::to_string(i) + "\n";
  }
  return text;
}

TEST_F(LoadModes, AMergeThatChangesManyRows) {
  constexpr const char* own_column = "ALTER TABLE t ADD COLUMN own VARCHAR DEFAULT 'mine'";
  constexpr const char* primary_key = "ALTER TABLE t ADD PRIMARY KEY (id)";
  for (const std::string alter : {"SELECT 1", own_column, primary_key}) {
    YamlProject test("  t: {in: w, lineage: true, columns: {id: integer | key, v: varchar}}");
    test.query(alter);
    const Receipt first = test.load_one("t-append", rows_text(120'000, 120'000));
    const Receipt second = test.load_one("t-merge", rows_text(121'000, 5'000));
    EXPECT_EQ(summary(second), "read 121000 inserted 1000 updated 115000 unchanged 5000") << alter;
    EXPECT_THAT(
        test.query("SELECT count(*), count(DISTINCT id), count(*) FILTER (v = 'old' || id AND "
                   "weir_run = '" +
                   first.run.value() +
                   "'), count(*) FILTER (v = 'new' || id AND "
                   "weir_run = '" +
                   second.run.value() +
                   "'), count(*) FILTER (weir_element <> id "
                   "+ 1) FROM t"),
        ElementsAre("121000|121000|5000|116000|0"))
        << alter;
    if (alter == own_column) {
      EXPECT_THAT(test.query("SELECT DISTINCT own FROM t"), ElementsAre("mine"));
    }
  }
}

TEST_F(LoadModes, ADuplicateKeyAmongManyChangesIsFoundOut) {
  test_.load_one("t-append", rows_text(110'000, 110'000));
  test_.query("INSERT INTO t VALUES (7, 'a second seven')");
  const Receipt receipt = test_.load_one("t-merge", rows_text(120'000, 0));
  ASSERT_TRUE(receipt.error);
  EXPECT_EQ(receipt.error->message, "table 't' holds a key of this input more than once");
  EXPECT_THAT(test_.query("SELECT count(*) FROM t WHERE v LIKE 'old%'"), ElementsAre("110000"));
}

// ----- rows of a query

TEST_F(LoadModes, AQueryMayReadTheTableItReplaces) {
  YamlProject test(
      std::string(keyless) + "\n  k: {in: w, columns: {id: integer | key, v: varchar}}",
      "  next: {steps: [{sql: \"SELECT id + 1 AS id, v FROM t\", in: w}, "
      "{load: {table: t, mode: replace}}]}\n"
      "  fresh: {steps: [{sql: \"SELECT id, 'new' AS v FROM t ORDER BY id\", in: w}, "
      "{load: {table: k, mode: ignore}}]}\n");
  test.load_one("t-append", "id,v\n1,a\n2,b\n2,c\n");
  EXPECT_EQ(summary(test.run_query("next")), "read 3 inserted 3 replaced 3");
  EXPECT_THAT(test.query("SELECT id, v FROM t ORDER BY ALL"), ElementsAre("2|a", "3|b", "3|c"));
  test.load_one("k-append", "id,v\n2,old\n");
  EXPECT_EQ(summary(test.run_query("fresh")), "read 3 inserted 1 deduplicated 2");
  EXPECT_THAT(test.query("SELECT id, v FROM k ORDER BY ALL"), ElementsAre("2|old", "3|new"));
}

}  // namespace
}  // namespace weir::pipeline
