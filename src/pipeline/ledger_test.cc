#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/dictionary_version.h"
#include "pipeline/duckdb_ledger.h"
#include "pipeline/ledger_schema.h"
#include "pipeline/stored_receipt.h"
#include "pipeline/test_project.h"
#include "text/receipt_json.h"

namespace weir::pipeline {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::MatchesRegex;

/// As the first weir made it.
constexpr const char* old_ledger = R"sql(
CREATE SEQUENCE weir_load_ids;
CREATE TABLE weir_loads (load_id BIGINT NOT NULL DEFAULT nextval('weir_load_ids'),
  key_hash BIGINT NOT NULL, pipeline VARCHAR NOT NULL, step INTEGER NOT NULL, bucket VARCHAR,
  key VARCHAR, version VARCHAR NOT NULL, attempt BIGINT NOT NULL, size_bytes BIGINT NOT NULL,
  run_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, status VARCHAR NOT NULL,
  rows_read BIGINT NOT NULL, rows_loaded BIGINT NOT NULL, rows_rejected BIGINT NOT NULL,
  committed_at TIMESTAMPTZ NOT NULL, receipt VARCHAR NOT NULL);
CREATE TABLE weir_rejects (run_id VARCHAR NOT NULL, pipeline VARCHAR NOT NULL,
  table_name VARCHAR NOT NULL, bucket VARCHAR, key VARCHAR, version VARCHAR NOT NULL,
  element BIGINT NOT NULL, line BIGINT, byte_begin BIGINT NOT NULL, byte_end BIGINT NOT NULL,
  field VARCHAR, rule VARCHAR NOT NULL, value VARCHAR, message VARCHAR, problems VARCHAR NOT NULL,
  raw VARCHAR, rejected_at TIMESTAMPTZ NOT NULL);
INSERT INTO weir_loads VALUES (nextval('weir_load_ids'), 7, 'p', 2, 'b', 'k', 'v', 1, 10, 'run1',
  't', 'partial', 4, 1, 2, now(), '{"run":"run1","pipeline":"p","object":"b/k","version":"v",'
  '"status":"partial","rows":{"read":4,"expanded":0,"folded":0,"inserted":1,"updated":0,'
  '"unchanged":0,"loaded":1,"deduplicated":0,"filtered":1,"rejected":2},"rejects":[{"element":1,'
  '"field":"n","rule":"integer","value":"x","message":"m","raw":"raw","bytes":[0,1]}],'
  '"error":null,"duration_ms":12.5}');
INSERT INTO weir_rejects SELECT 'run1', 'p', 't', 'b', 'k', 'v', range, range, 0, 1, 'n', 'integer',
  'x', 'm', '[]', 'raw', now() FROM range(1, 3)
)sql";

std::string cells(duckdb::Connection& connection, const std::string& sql) {
  const auto rows = connection.run(sql);
  EXPECT_TRUE(rows) << rows.error().message;
  std::string out;
  for (size_t row = 0; rows && row < rows->size(); ++row) {
    for (size_t column = 0; column < rows->column_count(); ++column) {
      out += (column == 0 ? "" : "|") +
             (rows->is_null(row, column) ? "NULL" : rows->text(row, column));
    }
    out += '\n';
  }
  return out;
}

TEST(LedgerSchema, ExtendsTheTablesOfAnOlderWeirAndKeepsWhatTheyHold) {
  const auto database = *duckdb::Database::open({});
  const auto connection = *database->connect();
  ASSERT_TRUE(connection->run(old_ledger));
  ASSERT_TRUE(create_ledger_tables(*connection));
  EXPECT_EQ(cells(*connection,
                  "SELECT element, reject_id, step, rolled_back, resolution, header, raw "
                  "FROM weir_rejects ORDER BY element"),
            "1|1|2|false|NULL|NULL|raw\n2|2|2|false|NULL|NULL|raw\n");
  EXPECT_EQ(cells(*connection, "SELECT load_id, run_id, replay_of FROM weir_loads"),
            "1|run1|NULL\n");
  EXPECT_EQ(cells(*connection,
                  "SELECT rows_read, rows_inserted, rows_filtered, rows_rejected, rows_replaced, "
                  "duration_ms, nextval('weir_load_ids') FROM weir_loads"),
            "4|1|1|2|0|12.5|2\n");
  // Once is enough.
  ASSERT_TRUE(create_ledger_tables(*connection));
  EXPECT_EQ(cells(*connection, "SELECT count(*), max(reject_id) FROM weir_rejects"), "2|2\n");
}

TEST(LedgerSchema, AnExtendedTableHasTheColumnsOfANewOneInTheirOrder) {
  const auto old_database = *duckdb::Database::open({});
  const auto old_connection = *old_database->connect();
  ASSERT_TRUE(old_connection->run(old_ledger));
  ASSERT_TRUE(create_ledger_tables(*old_connection));
  const auto new_database = *duckdb::Database::open({});
  const auto new_connection = *new_database->connect();
  ASSERT_TRUE(create_ledger_tables(*new_connection));
  const std::string columns =
      "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() "
      "WHERE table_name LIKE 'weir%' ORDER BY table_name, column_index";
  EXPECT_EQ(cells(*old_connection, columns), cells(*new_connection, columns));
}

TEST(LedgerSchema, ReceiptsAnOlderWeirKeptAreReadBack) {
  const auto database = *duckdb::Database::open({});
  const auto connection = *database->connect();
  ASSERT_TRUE(connection->run(old_ledger));
  ASSERT_TRUE(create_ledger_tables(*connection));
  LedgerEntry entry;
  entry.load_id = 1;
  const Receipt receipt = *DuckdbLedger(*connection).receipt_of(entry);
  EXPECT_EQ(text::to_json(receipt).to_string(),
            R"({"run":"run1","pipeline":"p","object":"b/k","version":"v","status":"partial",)"
            R"("rows":{"read":4,"expanded":0,"folded":0,"inserted":1,"updated":0,"unchanged":0,)"
            R"("loaded":1,"deduplicated":0,"filtered":1,"rejected":2,"replaced":0},)"
            R"("rejects":[{"element":1,"field":"n","rule":"integer","value":"x","message":"m",)"
            R"("raw":"raw","bytes":[0,1]}],"error":null,"duration_ms":12.5})");
}

TEST(Ledger, AReceiptIsReadBackAsItWasCommitted) {
  const auto database = *duckdb::Database::open({});
  const auto connection = *database->connect();
  ASSERT_TRUE(create_ledger_tables(*connection));
  DuckdbLedger ledger(*connection);
  Receipt receipt;
  receipt.run = RunId("01J");
  receipt.pipeline = PipelineName("p");
  receipt.object = ObjectRef{BucketName("b"), ObjectKey("k/with, 'quotes'.json")};
  receipt.version = ObjectVersion("v");
  receipt.status = RunState::partial;
  uint64_t count = 1;  // every counter another
  for (const CountColumn& column : count_columns) receipt.rows.*column.count = count *= 3;
  receipt.rejects.push_back(
      {7, 8, 90, 100, {{"n", "integer", "x", "m"}, {"o", "required", ""}}, "ra\"w"});
  receipt.duration_ms = 0.1 + 0.2;

  std::vector<NewLoad> loads(21);
  for (size_t i = 0; i < loads.size(); ++i) {
    loads[i].key = {receipt.pipeline, 1, receipt.object};
    loads[i].version = ObjectVersion(std::to_string(i));
    loads[i].table = TableName("t");
    loads[i].receipt = &receipt;
  }
  loads.back().version = receipt.version;
  ASSERT_TRUE(ledger.write_loads(loads));
  const auto found = *ledger.receipt_of(loads.back().key, receipt.version);
  ASSERT_TRUE(found);
  EXPECT_EQ(text::to_json(*found).to_string(), text::to_json(receipt).to_string());
  EXPECT_EQ(cells(*connection, "SELECT count(*), min(rows_loaded) FROM weir_loads"),
            "21|" + std::to_string(receipt.rows.loaded()) + "\n");
  EXPECT_FALSE(*ledger.receipt_of(loads.back().key, ObjectVersion("another")));
}

TEST(Ledger, TheLatestLoadIsFoundHoweverLongAgoItWas) {
  const auto database = *duckdb::Database::open({});
  const auto connection = *database->connect();
  ASSERT_TRUE(create_ledger_tables(*connection));
  Receipt receipt;
  receipt.run = RunId("r");
  const auto key_of = [](const std::string& name) {
    return LedgerKey{PipelineName("p"), 1, ObjectRef{BucketName("b"), ObjectKey(name)}};
  };
  DuckdbLedger ledger(*connection);
  const auto load = [&](const std::string& name, int64_t attempt) {
    NewLoad next{key_of(name), ObjectVersion(name), 1, attempt, 0, TableName("t"), &receipt};
    EXPECT_TRUE(ledger.write_loads({&next, 1}));
  };
  const std::vector<LedgerKey> keys = {key_of("old"), key_of("new"), key_of("none"),
                                       key_of("both")};
  const auto attempts = [&](DuckdbLedger& asked) {
    const auto entries = *asked.latest(keys);
    std::string all;
    for (const auto& entry : entries) all += fmt::format("{} ", entry ? entry->attempt : 0);
    return all;
  };
  load("old", 1);
  load("both", 2);
  // Later loads than are looked at first.
  ASSERT_TRUE(connection->run(
      "INSERT INTO weir_loads SELECT l.* REPLACE (nextval('weir_load_ids') AS load_id, range AS "
      "key_hash, 'other' AS key) FROM weir_loads l, range(400000) WHERE key = 'old'"));
  load("new", 3);
  load("both", 4);
  EXPECT_EQ(attempts(ledger), "1 3 0 4 ");
  DuckdbLedger fresh(*connection);  // has seen nothing yet
  EXPECT_EQ(attempts(fresh), "1 3 0 4 ");
  EXPECT_EQ(attempts(fresh), "1 3 0 4 ");
}

class QuarantineTest : public testing::Test {
 protected:
  std::vector<std::string> rejects(const std::string& columns) {
    return test_.query("SELECT " + columns + " FROM weir_rejects ORDER BY reject_id");
  }
  weir::Run forced(const std::string& key) {
    weir::Run run = test_.make_run("people", key);
    run.force = true;
    return run;
  }
  Receipt execute(const weir::Run& run) {
    Progress progress;
    return test_.executor->execute({&run, 1}, progress).front().receipt;
  }
  TestProject test_;
};

TEST_F(QuarantineTest, RejectsSayWhatTheyWereJudgedByAndWhatTheHeaderWas) {
  test_.drop("a.csv", "name,id\na,x\nb,1\nc,y\n");
  ASSERT_EQ(test_.run("people", "a.csv").rows.rejected, 2u);
  EXPECT_THAT(
      rejects("reject_id, element, step, header, rolled_back, resolution"),
      ElementsAre("1|1|1|[\"name\",\"id\"]|false|NULL", "2|3|1|[\"name\",\"id\"]|false|NULL"));
  EXPECT_THAT(rejects("dictionary_version"), Each(MatchesRegex("[0-9a-f]{8}-[0-9a-f]{8}")));
}

TEST_F(QuarantineTest, AStoppedRunKeepsItsRejectsAndNothingElse) {
  test_.drop("a.csv", "id,name\n1,a\nx,b\ny,c\nz,d\n2,e\n");
  const Receipt receipt = test_.run("people", "a.csv");
  ASSERT_TRUE(receipt.error);
  EXPECT_EQ(receipt.error->code, ErrorCode::too_many_rejects);
  EXPECT_THAT(test_.query("SELECT count(*) FROM people"), ElementsAre("0"));
  EXPECT_THAT(test_.query("SELECT count(*) FROM weir_loads"), ElementsAre("0"));
  EXPECT_THAT(rejects("element, line, raw, rolled_back, run_id = '" + receipt.run.value() + "'"),
              ElementsAre("2|3|x,b|true|true", "3|4|y,c|true|true", "4|5|z,d|true|true"));
  EXPECT_THAT(rejects("starts_with(version, 'sha256:')"), Each("true"));
}

TEST_F(QuarantineTest, AStoppedRunTriedAgainSaysTheSameOnce) {
  test_.drop("a.csv", "id,name\nx,b\ny,c\nz,d\n");
  const weir::Run run = test_.make_run("people", "a.csv");
  execute(run);
  execute(run);  // the process died before the run log knew
  EXPECT_THAT(rejects("element, resolution"), ElementsAre("1|NULL", "2|NULL", "3|NULL"));
  const Receipt later = test_.run("people", "a.csv");
  EXPECT_THAT(rejects("resolution, coalesce(resolved_by, '') = '" + later.run.value() + "'"),
              ElementsAre("superseded|true", "superseded|true", "superseded|true", "NULL|false",
                          "NULL|false", "NULL|false"));
}

TEST_F(QuarantineTest, ACommittedLoadSupersedesWhatAStoppedOneLeft) {
  test_.drop("a.csv", "id,name\nx,b\ny,c\nz,d\n");
  test_.run("people", "a.csv");
  test_.drop("other.csv", "id,name\nx,b\n");
  test_.run("people", "other.csv");
  test_.drop("a.csv", "id,name\n1,b\n2,c\nz,d\n");  // mended, and so another version
  const Receipt receipt = test_.run("people", "a.csv");
  EXPECT_FALSE(receipt.error);
  EXPECT_THAT(rejects("key, rolled_back, resolution"),
              ElementsAre("a.csv|true|superseded", "a.csv|true|superseded", "a.csv|true|superseded",
                          "other.csv|false|NULL", "a.csv|false|NULL"));
}

TEST_F(QuarantineTest, AnotherAttemptSupersedesTheRejectsOfItsVersionOnly) {
  test_.drop("a.csv", "id,name\nx,b\n");
  test_.run("people", "a.csv");
  test_.drop("a.csv", "id,name\ny,b\n");
  test_.run("people", "a.csv");
  execute(forced("a.csv"));
  EXPECT_THAT(rejects("value, resolution, resolved_at IS NULL"),
              ElementsAre("x|NULL|true", "y|superseded|false", "y|NULL|true"));
}

TEST(DictionaryVersion, ChangesWithTheContractAndNothingElse) {
  TestProject test;
  Table table = test.project.tables[0];
  Pipeline pipeline = test.project.pipelines[0];
  const std::string before = dictionary_version(table, pipeline);
  table.columns[0].location.line = 99;
  pipeline.location.line = 99;
  pipeline.priority = 5;
  EXPECT_EQ(dictionary_version(table, pipeline), before);

  Table relaxed = table;
  relaxed.columns[4].rules.pop_back();
  EXPECT_NE(dictionary_version(relaxed, pipeline), before);
  EXPECT_EQ(steps_version(dictionary_version(relaxed, pipeline)), steps_version(before));

  Pipeline changed = pipeline;
  std::get<SelectStep>(changed.steps[1]).items[3].expression.text = "upper(device)";
  EXPECT_NE(steps_version(dictionary_version(table, changed)), steps_version(before));
}

}  // namespace
}  // namespace weir::pipeline
