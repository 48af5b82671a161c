#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "duckdb/scan_for_test.h"
#include "io/temporary_folder_for_test.h"

namespace weir::duckdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class QueryTextTest : public testing::Test {
 protected:
  QueryTextTest() : database_(open_in_memory()) {
    const auto connection = *database_->connect();
    EXPECT_TRUE(connection->run(
        "CREATE TABLE t AS SELECT range AS i, 'text ' || range AS s FROM range(3)"));
  }
  /// Rows, or the error.
  std::vector<std::string> ask(const std::string& sql, bool allow_write = false) {
    std::vector<std::string> lines;
    names_.clear();
    const RowSink sink{[&](const auto& columns) {
                         for (const ResultColumn& column : columns) names_.push_back(column.name);
                       },
                       [&](const auto& cells) {
                         lines.push_back(joined(cells));
                         return true;
                       }};
    const auto done = query_text(*database_, sql, allow_write, sink);
    if (!done) lines.push_back(std::string(name(done.error().code)) + ": " + done.error().message);
    return lines;
  }
  std::string count() { return ask("SELECT count(*) FROM t").front(); }

  std::unique_ptr<Database> database_;
  std::vector<std::string> names_;
};

TEST_F(QueryTextTest, AnswersEveryKindOfQuery) {
  EXPECT_THAT(ask("SELECT i, s FROM t ORDER BY i"),
              ElementsAre("0|text 0", "1|text 1", "2|text 2"));
  EXPECT_THAT(ask("FROM t SELECT i WHERE i > 1"), ElementsAre("2"));
  EXPECT_THAT(ask("VALUES (1, NULL), (2, 'x')"), ElementsAre("1|NULL", "2|x"));
  EXPECT_THAT(ask("WITH a AS (SELECT 1 AS x) SELECT x + 1 FROM a"), ElementsAre("2"));
  EXPECT_THAT(ask("(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1"), ElementsAre("1", "2"));
  EXPECT_THAT(ask("TABLE t"), testing::SizeIs(3));
  EXPECT_THAT(ask("SHOW TABLES"), ElementsAre("t"));
  EXPECT_THAT(ask("DESCRIBE t").at(0), HasSubstr("i|BIGINT"));
  EXPECT_THAT(ask("SUMMARIZE t"), testing::SizeIs(2));
  EXPECT_THAT(ask("EXPLAIN SELECT * FROM t").at(0), HasSubstr("SCAN"));
  EXPECT_THAT(ask("EXPLAIN ANALYZE SELECT * FROM t").at(0), HasSubstr("SCAN"));
  EXPECT_THAT(ask("EXPLAIN (ANALYZE, FORMAT json) SELECT * FROM t").at(0), HasSubstr("SCAN"));
  EXPECT_THAT(ask("EXPLAIN (SELECT * FROM t)").at(0), HasSubstr("SCAN"));
  EXPECT_THAT(ask("PIVOT t ON i IN (0, 1) USING count(*) GROUP BY s ORDER BY s"),
              testing::SizeIs(3));
}

TEST_F(QueryTextTest, CommentsAndSemicolonsChangeNothing) {
  for (const char* sql :
       {"SELECT count(*) FROM t;", "SELECT count(*) FROM t ; ; \n", "SELECT count(*) FROM t -- end",
        "SELECT count(*) FROM t; -- end", "SELECT count(*) FROM t /* a /* nested */ one */ ;",
        "-- begin; with\nSELECT count(*) FROM t;\n/* ; */", ";;SELECT count(*) FROM t",
        "SELECT count(*) FROM t WHERE s <> ';' AND s <> 'it''s; -- ' AND s <> E'\\';';",
        "SELECT count(*) AS \"a;b\" FROM t; ", "SELECT count(*) FROM t WHERE s <> $$;'$$;",
        "SELECT count(*) FROM t WHERE s <> $q$ ; $$ ; $q$ ;"}) {
    EXPECT_THAT(ask(sql), ElementsAre("3")) << sql;
  }
}

TEST_F(QueryTextTest, ColumnsOfOneNameAreKept) {
  EXPECT_THAT(ask("SELECT 1 AS a, 2 AS a, 3 AS \"A\", 4 AS \"\"\"q\"\"\""), ElementsAre("1|2|3|4"));
  EXPECT_THAT(names_, ElementsAre("a", "a", "A", "\"q\""));
}

TEST_F(QueryTextTest, TextIsGivenByteByByte) {
  EXPECT_THAT(ask("SELECT 'a' || chr(0) || 'b', NULL, '', 'é'"),
              ElementsAre(std::string("a\0b|NULL||é", 12)));
}

TEST_F(QueryTextTest, RefusesWhateverWrites) {
  const io::TemporaryFolder folder;
  const std::string file = folder.path("out.csv");
  for (const std::string sql :
       {"DELETE FROM t",
        "INSERT INTO t VALUES (9, 'x')",
        "UPDATE t SET i = 1",
        "DROP TABLE t",
        "CREATE TABLE u (i INTEGER)",
        "CREATE TEMP TABLE u (i INTEGER)",
        "ALTER TABLE t ADD j INT",
        "TRUNCATE t",
        "COPY t TO 'FILE'",
        "COPY (SELECT 1) TO 'FILE'",
        "COPY t FROM 'FILE'",
        "EXPORT DATABASE 'FILE'",
        "IMPORT DATABASE 'FILE'",
        "ATTACH 'FILE' AS other",
        "PRAGMA threads=1",
        "PRAGMA enable_profiling",
        "SET threads = 1",
        "SET GLOBAL TimeZone='UTC'",
        "RESET threads",
        "CALL pragma_version()",
        "CHECKPOINT",
        "VACUUM",
        "ANALYZE",
        "BEGIN",
        "COMMIT",
        "INSTALL httpfs",
        "LOAD httpfs",
        "USE memory",
        "PREPARE p AS SELECT 1",
        "DETACH memory",
        "INSERT INTO t SELECT * FROM t RETURNING i",
        "EXPLAIN ANALYZE DELETE FROM t",
        "EXPLAIN ANALYZE INSERT INTO t VALUES (9, 'x')",
        "EXPLAIN ANALYZE COPY t TO 'FILE'",
        "explain /* x */ analyze -- y\n delete from t",
        "EXPLAIN (ANALYZE) DELETE FROM t",
        "EXPLAIN (ANALYZE, FORMAT json) COPY t TO 'FILE'",
        "EXPLAIN DELETE FROM t",
        "MERGE INTO t USING (SELECT 1 AS i) s ON t.i = s.i WHEN MATCHED THEN DELETE"}) {
    std::string text = sql;
    if (const size_t at = text.find("FILE"); at != std::string::npos) text.replace(at, 4, file);
    const auto answer = ask(text);
    ASSERT_EQ(answer.size(), 1u) << text;
    EXPECT_THAT(answer[0],
                testing::AnyOf(testing::StartsWith("usage: "), testing::StartsWith("sql: "),
                               testing::StartsWith("io: ")))
        << text;
    EXPECT_FALSE(std::filesystem::exists(file)) << text;
    EXPECT_EQ(count(), "3") << text;
  }
  EXPECT_THAT(ask("SHOW TABLES"), ElementsAre("t"));
}

TEST_F(QueryTextTest, RefusesMoreThanOneStatementAndNone) {
  for (const char* sql : {"SELECT 1; DELETE FROM t", "SELECT 1; SELECT 2",
                          "DELETE FROM t; SELECT 1", "SELECT 1) AS x; DELETE FROM t; SELECT (2", "",
                          ";", "-- nothing", "SELECT 1 FROM t) ; DELETE FROM t --"}) {
    EXPECT_THAT(ask(sql).at(0), testing::AnyOf(HasSubstr("more than one"), HasSubstr("sql: ")))
        << sql;
    EXPECT_EQ(count(), "3") << sql;
  }
}

TEST_F(QueryTextTest, WritesWhenItIsMeant) {
  EXPECT_THAT(ask("DELETE FROM t WHERE i = 0; -- one", true), ElementsAre("1"));
  EXPECT_EQ(count(), "2");
}

TEST_F(QueryTextTest, TellsErrorsOfTheStatementAndOfItsRows) {
  EXPECT_THAT(ask("SELECT nope FROM t").at(0), HasSubstr("nope"));
  EXPECT_THAT(ask("SELEKT 1").at(0), HasSubstr("syntax error"));
  EXPECT_THAT(ask("SELECT CAST(s AS INTEGER) FROM t").back(), HasSubstr("sql: Conversion Error"));
  EXPECT_THAT(ask("SELECT $1").at(0), HasSubstr("sql: "));
}

TEST_F(QueryTextTest, StopsWhenTheSinkHasEnough) {
  size_t rows = 0;
  const RowSink sink{nullptr, [&](const auto&) { return ++rows < 5; }};
  EXPECT_TRUE(query_text(*database_, "SELECT * FROM range(1000000000000)", false, sink));
  EXPECT_EQ(rows, 5u);
}

}  // namespace
}  // namespace weir::duckdb
