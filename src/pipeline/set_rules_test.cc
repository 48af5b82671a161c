// unique, references, references into the same table, lineage: docs/reference/modes.md.
#include "pipeline/set_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "pipeline/session.h"
#include "pipeline/yaml_project_for_test.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// ----- unique

constexpr const char* people =
    "  t:\n    in: w\n    columns: {id: integer | key, email: varchar | unique, phone: varchar | "
    "unique}";

class Unique : public testing::Test {
 protected:
  std::vector<std::string> rows() { return test_.query("SELECT * FROM t ORDER BY ALL"); }
  YamlProject test_{people};
};

TEST_F(Unique, TheFirstOfAValueStaysAndEveryProblemIsTold) {
  Receipt receipt = test_.load_one("t-append", "id,email,phone\n1,a,1\n2,b,2\n3,a,2\n4,,\n5,,\n");
  EXPECT_EQ(summary(receipt), "read 5 inserted 4 rejected 1");
  EXPECT_THAT(rejects_of(receipt),
              ElementsAre("3: email unique (an earlier row of the input has the value 'a'); phone "
                          "unique (an earlier row of the input has the value '2')"));
  receipt = test_.load_one("t-append", "id,email,phone\n6,a,6\n7,c,7\n8,c,1\n9,c,9\n");
  EXPECT_EQ(summary(receipt), "read 4 inserted 1 rejected 3");
  EXPECT_THAT(rejects_of(receipt),
              ElementsAre("1: email unique (the table already has the value 'a')",
                          "3: email unique (an earlier row of the input has the value 'c'); phone "
                          "unique (the table already has the value '1')",
                          "4: email unique (an earlier row of the input has the value 'c')"));
}

TEST_F(Unique, IsJudgedAfterTheKey) {
  // Row 2 falls to the key, so that its email is no obstacle to row 3.
  const Receipt receipt = test_.load_one("t-append", "id,email,phone\n1,a,\n1,b,\n2,b,\n");
  EXPECT_EQ(summary(receipt), "read 3 inserted 2 rejected 1");
  EXPECT_EQ(receipt.rejects.at(0).problems.at(0).rule, "key");
  EXPECT_THAT(rows(), ElementsAre("1|a|NULL", "2|b|NULL"));
}

TEST_F(Unique, AMergedRowMayKeepAndPassOnItsValue) {
  test_.load_one("t-append", "id,email,phone\n1,a,1\n2,b,2\n");
  EXPECT_EQ(summary(test_.load_one("t-merge", "id,email,phone\n1,a,9\n")), "read 1 updated 1");
  // 1 and 2 change places; 3 takes what 4 never had.
  EXPECT_EQ(summary(test_.load_one("t-merge", "id,email,phone\n1,b,9\n2,a,2\n3,c,3\n")),
            "read 3 inserted 1 updated 2");
  EXPECT_THAT(rows(), ElementsAre("1|b|9", "2|a|2", "3|c|3"));
}

TEST_F(Unique, AMergeRespectsRowsThatStay) {
  test_.load_one("t-append", "id,email,phone\n1,a,1\n2,b,2\n");
  const Receipt receipt = test_.load_one("t-merge", "id,email,phone\n1,b,1\n3,c,3\n");
  EXPECT_EQ(summary(receipt), "read 2 inserted 1 rejected 1");
  EXPECT_THAT(rejects_of(receipt),
              ElementsAre("1: email unique (the table already has the value 'b')"));
}

TEST_F(Unique, TheOldRowOfARejectedRowIsBackInPlay) {
  test_.load_one("t-append", "id,email,phone\n1,a,1\n2,b,2\n3,c,3\n");
  // 1 gives `a` up and is rejected for its phone; so `a` is not free for 2, whose `b` is not
  // free for 4.
  const Receipt receipt = test_.load_one("t-merge", "id,email,phone\n1,x,3\n2,a,2\n4,b,4\n5,e,5\n");
  EXPECT_EQ(summary(receipt), "read 4 inserted 1 rejected 3");
  EXPECT_THAT(rejects_of(receipt),
              ElementsAre("1: phone unique (the table already has the value '3')",
                          "2: email unique (the table already has the value 'a')",
                          "3: email unique (the table already has the value 'b')"));
  EXPECT_THAT(rows(), ElementsAre("1|a|1", "2|b|2", "3|c|3", "5|e|5"));
}

TEST_F(Unique, ReplaceAndIgnore) {
  test_.load_one("t-append", "id,email,phone\n1,a,1\n2,b,2\n");
  EXPECT_EQ(summary(test_.load_one("t-ignore", "id,email,phone\n1,z,9\n3,a,3\n4,d,4\n")),
            "read 3 inserted 1 deduplicated 1 rejected 1");
  EXPECT_EQ(summary(test_.load_one("t-replace", "id,email,phone\n8,a,1\n9,a,2\n")),
            "read 2 inserted 1 rejected 1 replaced 3");
}

TEST_F(Unique, SeveralInputsAreJudgedOneAfterTheOther) {
  auto receipts = test_.load_all("t-append", {"id,email,phone\n1,a,1\n", "id,email,phone\n2,a,2\n",
                                              "id,email,phone\n3,c,3\n"});
  EXPECT_EQ(summary(receipts[0]), "read 1 inserted 1");
  EXPECT_THAT(rejects_of(receipts[1]),
              ElementsAre("1: email unique (the table already has the value 'a')"));
  EXPECT_EQ(summary(receipts[2]), "read 1 inserted 1");
  // The first input finds `c` taken, because only the second one gives it up.
  receipts = test_.load_all("t-merge", {"id,email,phone\n5,c,5\n", "id,email,phone\n3,d,3\n"});
  EXPECT_EQ(summary(receipts[0]), "read 1 rejected 1");
  EXPECT_EQ(summary(receipts[1]), "read 1 updated 1");
  // A rejected row keeps no key: the next input has it.
  receipts = test_.load_all("t-append", {"id,email,phone\n6,d,6\n", "id,email,phone\n6,e,6\n"});
  EXPECT_EQ(summary(receipts[0]), "read 1 rejected 1");
  EXPECT_EQ(summary(receipts[1]), "read 1 inserted 1");
}

TEST_F(Unique, WorksWithoutAKey) {
  YamlProject test("  t: {in: w, columns: {id: integer, email: varchar | unique}}");
  EXPECT_EQ(summary(test.load_one("t-append", "id,email\n1,a\n1,a\n2,\n2,\n")),
            "read 4 inserted 3 rejected 1");
  EXPECT_EQ(summary(test.load_one("t-append", "id,email\n1,a\n1,b\n")),
            "read 2 inserted 1 rejected 1");
  EXPECT_EQ(summary(test.load_one("t-replace", "id,email\n1,a\n1,b\n")),
            "read 2 inserted 2 replaced 4");
}

TEST_F(Unique, CountsForTheLimits) {
  YamlProject test(
      "  t: {in: w, columns: {id: integer, email: varchar | unique}, on_bad_row: fail}");
  const Receipt receipt = test.load_one("t-append", "id,email\n1,a\n2,a\n");
  ASSERT_TRUE(receipt.error);
  EXPECT_EQ(receipt.error->code, ErrorCode::too_many_rejects);
  EXPECT_EQ(receipt.rejects.at(0).line, 3u);
  EXPECT_THAT(test.query("SELECT count(*) FROM t"), ElementsAre("0"));
}

// ----- references

constexpr const char* shop =
    "  customers: {in: w, columns: {id: bigint | key, email: varchar | unique}}\n"
    "  states: {in: w, schema: more, columns: {name: varchar | key}}\n"
    "  orders:\n    in: w\n    columns:\n      id: integer | key\n"
    "      customer: integer | references customers\n"
    "      mail: varchar | references customers(email)\n"
    "      state: varchar | required | references states";

class References : public testing::Test {
 protected:
  References() {
    test_.load_one("customers-append", "id,email\n1,a@x\n2,b@x\n3,\n");
    test_.load_one("states-append", "name\nnew\nsent\n");
  }
  std::vector<std::string> rows() { return test_.query("SELECT * FROM orders ORDER BY ALL"); }
  YamlProject test_{shop};
};

TEST_F(References, TellsAllProblemsOfARowAndNullReferencesNothing) {
  const Receipt receipt = test_.load_one("orders-append",
                                         "id,customer,mail,state\n1,1,b@x,new\n2,9,c@x,gone\n"
                                         "3,,,sent\n4,3,,new\n5,2,a@x,\"\"\n");
  EXPECT_EQ(summary(receipt), "read 5 inserted 3 rejected 2");
  EXPECT_THAT(
      rejects_of(receipt),
      ElementsAre("2: customer references customers (no row of table 'customers' has '9' as its "
                  "id); mail references customers(email) (no row of table 'customers' has 'c@x' as "
                  "its email); state references states (no row of table 'states' has 'gone' as its "
                  "name)",
                  "5: state references states (no row of table 'states' has '' as its name)"));
  EXPECT_THAT(rows(), ElementsAre("1|1|b@x|new", "3|NULL|NULL|sent", "4|3|NULL|new"));
}

TEST_F(References, GoBeforeTheKey) {
  // The last row of key 1 is out before the key is looked at: the one before it wins.
  const Receipt receipt = test_.load_one(
      "orders-merge", "id,customer,mail,state\n1,1,,new\n1,2,,new\n1,9,,new\n2,9,,new\n");
  EXPECT_EQ(summary(receipt), "read 4 inserted 1 deduplicated 1 rejected 2");
  EXPECT_THAT(rows(), ElementsAre("1|2|NULL|new"));
  const Receipt again =
      test_.load_one("orders-append", "id,customer,mail,state\n5,9,,new\n5,2,,new\n");
  EXPECT_EQ(summary(again), "read 2 inserted 1 rejected 1");
  EXPECT_THAT(again.rejects.at(0).element, 1u);
}

TEST_F(References, InEveryMode) {
  const std::string text = "id,customer,mail,state\n1,1,,new\n2,8,,new\n";
  EXPECT_EQ(summary(test_.load_one("orders-ignore", text)), "read 2 inserted 1 rejected 1");
  EXPECT_EQ(summary(test_.load_one("orders-merge", text)), "read 2 unchanged 1 rejected 1");
  EXPECT_EQ(summary(test_.load_one("orders-replace", text)),
            "read 2 inserted 1 rejected 1 replaced 1");
  const auto receipts = test_.load_all("orders-merge", {text, text, text});
  for (const Receipt& receipt : receipts) {
    EXPECT_EQ(summary(receipt), "read 2 unchanged 1 rejected 1");
  }
}

TEST_F(References, SeeWhatWasLoadedSince) {
  const std::string text = "id,customer,mail,state\n1,5,,new\n";
  EXPECT_EQ(summary(test_.load_one("orders-append", text)), "read 1 rejected 1");
  test_.load_one("customers-append", "id,email\n5,\n");
  EXPECT_EQ(summary(test_.load_one("orders-append", text)), "read 1 inserted 1");
  test_.load_one("customers-replace", "id,email\n6,\n");
  EXPECT_EQ(summary(test_.load_one("orders-append", "id,customer,mail,state\n2,5,,new\n")),
            "read 1 rejected 1");
}

TEST_F(References, EachMissingTableIsNamedOnce) {
  YamlProject test(
      "  a: {in: w, columns: {id: integer | key, x: varchar}}\n"
      "  b: {in: w, columns: {id: integer | key, a: integer | references a, c: integer | "
      "references "
      "a, d: integer | references b}}\n");
  test.query("DROP TABLE a");
  test.query("DROP TABLE b");
  const Pipeline& pipeline = *test.project().find_pipeline(PipelineName("b-append"));
  SessionOptions options;
  options.purpose = LoadPurpose::examine;
  const auto session = Session::open(test.project(), pipeline, test.database(), std::move(options));
  ASSERT_TRUE(session) << session.error().to_string();
  EXPECT_THAT((*session)->ddl(), ElementsAre(HasSubstr("\"b\""), HasSubstr("\"a\"")));
}

TEST_F(References, LoadsThatReferenceEachOthersTablesDoNotBlockEachOther) {
  YamlProject test(
      "  a: {in: w, columns: {id: integer | key, b: integer | references b}}\n"
      "  b: {in: w, columns: {id: integer | key, a: integer | references a}}\n");
  test.load_one("a-append", "id,b\n1,\n");
  test.load_one("b-append", "id,a\n1,1\n");
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (const std::string pipeline : {"a-merge", "b-merge", "a-ignore", "b-ignore"}) {
    threads.emplace_back([&, pipeline] {
      const std::string head = pipeline[0] == 'a' ? "id,b\n" : "id,a\n";
      for (int i = 0; i < 15; ++i) {
        const std::string id = std::to_string(100 + i);
        const Receipt receipt = test.load_one(pipeline, head + id + ",1\n" + id + "0,9999\n");
        if (receipt.error || receipt.rows.rejected != 1 || !receipt.rows.balances()) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_THAT(test.query("SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)"),
              ElementsAre("16|16"));
}

// ----- references into the same table

constexpr const char* tree =
    "  t: {in: w, columns: {id: integer | key, parent: integer | references t, v: varchar}}";

class SelfReferences : public testing::Test {
 protected:
  std::vector<std::string> rows() { return test_.query("SELECT id, parent FROM t ORDER BY ALL"); }
  YamlProject test_{tree};
};

TEST_F(SelfReferences, TheParentMayComeLaterInTheInputAndBeTheRowItself) {
  const Receipt receipt =
      test_.load_one("t-append", "id,parent,v\n2,1,\n1,,\n3,3,\n4,5,\n5,4,\n6,99,\n");
  EXPECT_EQ(summary(receipt), "read 6 inserted 5 rejected 1");
  EXPECT_THAT(rejects_of(receipt),
              ElementsAre("6: parent references t (no row of table 't' has '99' as its id)"));
}

TEST_F(SelfReferences, ChildrenOfARejectedRowGoToo) {
  std::string text = "id,parent,v\n1,,\n2,1,\n";
  for (int i = 10; i < 40; ++i) {  // 10 has no parent, and each of the others has the one before
    text += std::to_string(i) + "," + std::to_string(i == 10 ? 99 : i - 1) + ",\n";
  }
  const Receipt receipt = test_.load_one("t-append", text);
  EXPECT_EQ(summary(receipt), "read 32 inserted 2 rejected 30");
  EXPECT_THAT(rows(), ElementsAre("1|NULL", "2|1"));
}

TEST_F(SelfReferences, LongChainsAndCirclesBehindARejectedRowGoToo) {
  std::string text = "id,parent,v\n1,9999,\n";
  for (int i = 2; i <= 3000; ++i) {
    text += std::to_string(i) + "," + std::to_string(i - 1) + ",\n";
  }
  text += "5001,5003,\n5002,5001,\n5003,5002,\n6001,6001,\n7001,3000,\n";
  EXPECT_EQ(summary(test_.load_one("t-append", text)), "read 3005 inserted 4 rejected 3001");
  EXPECT_THAT(rows(), ElementsAre("5001|5003", "5002|5001", "5003|5002", "6001|6001"));
}

TEST_F(SelfReferences, TheTargetsRowsCountAsFarAsTheyStay) {
  test_.load_one("t-append", "id,parent,v\n1,,\n2,1,\n");
  EXPECT_EQ(summary(test_.load_one("t-append", "id,parent,v\n3,2,\n4,7,\n")),
            "read 2 inserted 1 rejected 1");
  EXPECT_EQ(summary(test_.load_one("t-merge", "id,parent,v\n1,3,x\n5,1,\n")),
            "read 2 inserted 1 updated 1");
  EXPECT_EQ(summary(test_.load_one("t-ignore", "id,parent,v\n5,77,x\n6,5,\n7,66,\n")),
            "read 3 inserted 1 deduplicated 1 rejected 1");
  EXPECT_EQ(summary(test_.load_one("t-replace", "id,parent,v\n8,1,\n9,,\n10,9,\n")),
            "read 3 inserted 2 rejected 1 replaced 5");
}

TEST_F(SelfReferences, AMergedParentsOldRowIsBackWhenItIsRejected) {
  YamlProject test(
      "  t:\n    in: w\n    columns: {id: integer | key, code: varchar | unique, parent: varchar | "
      "references t(code)}");
  test.load_one("t-append", "id,code,parent\n1,a,\n2,b,\n");
  // 1 would become `c` and is rejected: 3, which needs `c`, loses its parent.
  Receipt receipt = test.load_one("t-merge", "id,code,parent\n1,c,zz\n3,d,c\n4,e,b\n");
  EXPECT_EQ(summary(receipt), "read 3 inserted 1 rejected 2");
  EXPECT_THAT(
      rejects_of(receipt),
      ElementsAre("1: parent references t(code) (no row of table 't' has 'zz' as its code)",
                  "2: parent references t(code) (no row of table 't' has 'c' as its code)"));
  // 1 becomes `x`: nobody can name `a` any more, but `x`.
  receipt = test.load_one("t-merge", "id,code,parent\n1,x,\n5,f,a\n6,g,x\n");
  EXPECT_EQ(summary(receipt), "read 3 inserted 1 updated 1 rejected 1");
  EXPECT_THAT(test.query("SELECT * FROM t ORDER BY id"),
              ElementsAre("1|x|NULL", "2|b|NULL", "4|e|b", "6|g|x"));
}

TEST_F(SelfReferences, SeveralInputsAreJudgedOneAfterTheOther) {
  auto receipts = test_.load_all(
      "t-append", {"id,parent,v\n1,2,\n5,,\n", "id,parent,v\n2,,\n", "id,parent,v\n3,2,\n"});
  EXPECT_EQ(summary(receipts[0]), "read 2 inserted 1 rejected 1");
  EXPECT_EQ(summary(receipts[1]), "read 1 inserted 1");
  EXPECT_EQ(summary(receipts[2]), "read 1 inserted 1");
}

// ----- rows that are not records

TEST(MadeRows, ARejectSaysWhichRowOfItsRecordItIs) {
  YamlProject test(
      "  t:\n    in: w\n    lineage: true\n    columns: {id: integer | key, b: bytes, d: double, "
      "v: "
      "varchar | unique}",
      "  parts: {steps: [{read: {format: json, columns: {id: integer, v: varchar}}}, "
      "{select: {id: id, v: \"v || id % 2\", d: id / 4, b: \"'ab'::BLOB\"}}, "
      "{load: {table: t}}]}\n");
  auto& steps = test.project().pipelines.front().steps;
  std::get<ReadStep>(steps[0]).columns[0].type = *parse_data_type("integer[]");
  UnnestStep unnest;
  unnest.column.name = "id";
  steps.insert(steps.begin() + 1, unnest);
  const auto receipts = test.load_all("parts", {R"({"id": [1, 2], "v": "a"})"
                                                "\n"
                                                R"({"id": [2, 3, 4], "v": "b"})",
                                                R"({"id": [5, 6, 7, 1], "v": "c"})"});
  EXPECT_EQ(summary(receipts[0]), "read 2 expanded 3 inserted 4 rejected 1");
  EXPECT_EQ(summary(receipts[1]), "read 1 expanded 3 inserted 2 rejected 2");
  EXPECT_THAT(rejects_of(receipts[1]),
              ElementsAre("1: v unique (an earlier row of the input has the value 'c1')",
                          "1: id key (the table already has the key 1)"));
  const Reject& reject = receipts[0].rejects.at(0);
  EXPECT_EQ(reject.element, 2u);
  EXPECT_EQ(reject.problems.at(0).rule, "key");
  EXPECT_EQ(reject.produced, R"({"id":2,"b":"\\x6162","d":"0.5","v":"b0"})");
  EXPECT_EQ(reject.entry_step, 3);
  EXPECT_THAT(test.query("SELECT id, weir_element FROM t ORDER BY id"),
              ElementsAre("1|1", "2|1", "3|2", "4|2", "5|1", "6|1"));
}

// ----- lineage

TEST(Lineage, SaysWhichRecordOfWhichRunARowIs) {
  YamlProject test(
      "  t: {in: w, lineage: true, columns: {id: integer | key, v: varchar}}\n"
      "  k: {in: w, lineage: true, columns: {id: integer}}\n",
      "  copy: {steps: [{sql: \"SELECT id FROM t ORDER BY id DESC\", in: w}, "
      "{load: {table: k, mode: append}}]}\n");
  const auto receipts =
      test.load_all("t-append", {"id,v\n1,a\nx,a\n2,a\n", "id,v\n3,b\n3,c\n4,d\n", "id,v\n5,e\n"});
  const auto run = [&](size_t i) { return receipts[i].run.value(); };
  EXPECT_THAT(test.query("SELECT id, weir_run, weir_element FROM t ORDER BY id"),
              ElementsAre("1|" + run(0) + "|1", "2|" + run(0) + "|3", "3|" + run(1) + "|1",
                          "4|" + run(1) + "|3", "5|" + run(2) + "|1"));
  const Receipt merged = test.load_one("t-merge", "id,v\n1,a\n9,z\n1,a\n4,x\n");
  EXPECT_EQ(summary(merged), "read 4 inserted 1 updated 1 unchanged 1 deduplicated 1");
  EXPECT_THAT(test.query("SELECT id, weir_run, weir_element FROM t WHERE id IN (1, 4, 9) "
                         "ORDER BY id"),
              ElementsAre("1|" + run(0) + "|1", "4|" + merged.run.value() + "|4",
                          "9|" + merged.run.value() + "|2"));
  const Receipt copied = test.run_query("copy");
  EXPECT_EQ(summary(copied), "read 6 inserted 6");
  EXPECT_THAT(test.query("SELECT id, weir_element FROM k WHERE weir_run = '" + copied.run.value() +
                         "' ORDER BY id"),
              ElementsAre("1|6", "2|5", "3|4", "4|3", "5|2", "9|1"));
}

TEST(Lineage, CountsThroughTheBlocksOfALargeInput) {
  YamlProject test("  t: {in: w, lineage: true, columns: {id: integer, v: varchar}}");
  std::string text = "id,v\n";
  for (int i = 1; i <= 150'000; ++i) {
    text += std::to_string(i) + ",a value long enough for more than one block of input " +
            (i % 7 == 0 ? "\"broken\"\n" : "\n");
  }
  const Receipt receipt = test.load_one("t-append", text);
  EXPECT_EQ(receipt.rows.inserted, 150'000u);
  EXPECT_THAT(test.query("SELECT count(*) FROM t WHERE id <> weir_element"), ElementsAre("0"));
}

}  // namespace
}  // namespace weir::pipeline
