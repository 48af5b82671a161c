#include "pipeline/server_sql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Engine postgres = Engine::postgres;
constexpr Engine mysql = Engine::mysql;

SqlText written(std::string text, bool exact = true) {
  SqlText sql;
  sql.text = std::move(text);
  sql.location = {"weir.yaml", 7, 11};
  sql.exact = exact;
  return sql;
}

std::string made(const std::string& text, Engine engine) {
  const auto sql = ServerSql::make(written(text), engine);
  return sql ? sql->sql() : sql.error().to_string();
}

TEST(ServerSql, RunVariablesAreParametersOfTheirType) {
  EXPECT_EQ(made("SELECT 1 WHERE d <= ${run.day} AND at < ${run.scheduled_for}", postgres),
            "SELECT 1 WHERE d <= CAST($1 AS date) AND at < CAST($2 AS timestamptz)");
  EXPECT_EQ(made("SELECT ${run.scheduled_for}, ${run.day}, ${run.scheduled_for}", mysql),
            "SELECT CAST($1 AS DATETIME(6)), CAST($2 AS date), CAST($1 AS DATETIME(6))");
  EXPECT_EQ(made("SELECT a$1, $$ it's $1 $$ FROM t", postgres), "SELECT a$1, $$ it's $1 $$ FROM t");
}

TEST(ServerSql, ValuesAreThoseOfTheRun) {
  Pipeline pipeline;
  pipeline.triggers.push_back(
      CronTrigger{.expression = {}, .timezone = "America/Argentina/Buenos_Aires"});
  const Timestamp moment = Timestamp() + std::chrono::microseconds(1'499'050'800'000'007);
  for (const Engine engine : {postgres, mysql}) {
    const auto sql = ServerSql::make(written("${run.day} ${run.scheduled_for}"), engine);
    const auto cells = sql->parameters(pipeline, moment);
    ASSERT_TRUE(cells) << cells.error().to_string();
    // 2017-07-03 00:00 there; the day that closed is the one before.
    EXPECT_THAT(*cells,
                ElementsAre("2017-07-02", engine == postgres ? "2017-07-03T03:00:00.000007Z"
                                                             : "2017-07-03T03:00:00.000007"));
  }
}

TEST(ServerSql, CommentsStayAndNothingElseIsLookedInto) {
  EXPECT_EQ(made("SELECT 1 -- not ${run.day}\n/* nor ${run.day} */", postgres),
            "SELECT 1 -- not ${run.day}\n/* nor ${run.day} */");
  EXPECT_EQ(made("SELECT 1 # ${run.day}", mysql), "SELECT 1 # ${run.day}");
  EXPECT_EQ(made("SELECT 1 # ${run.day}", postgres), "SELECT 1 # CAST($1 AS date)");
  EXPECT_EQ(made("SELECT 'it\\'s', ${run.day}", mysql), "SELECT 'it\\'s', CAST($1 AS date)");
}

TEST(ServerSql, WhatWouldNotBeAParameterIsRefusedAtItsPlace) {
  const struct {
    const char* text;
    Engine engine;
    const char* place;
    const char* words;
  } cases[] = {
      {"SELECT '${run.day}'", postgres, "weir.yaml:7:18", "in quotes"},
      {"SELECT `${run.day}`", mysql, "weir.yaml:7:18", "in quotes"},
      {"SELECT $$ ${run.day} $$", postgres, "weir.yaml:7:18", "in quotes"},
      {"SELECT $1", postgres, "weir.yaml:7:18", "a parameter of its own"},
  };
  for (const auto& each : cases) {
    const auto sql = ServerSql::make(written(each.text), each.engine);
    ASSERT_FALSE(sql) << each.text;
    EXPECT_EQ(sql.error().location.to_string(), each.place);
    EXPECT_THAT(sql.error().message, HasSubstr(each.words));
  }
}

TEST(ServerSql, AServersRefusalStandsAtItsPlaceInTheFile) {
  const std::string text = "SELECT 'é', ${run.day}, nam FROM t";
  const auto sql = ServerSql::make(written(text), postgres);
  const size_t byte = sql->sql().find("nam");
  server::Refusal refusal;
  refusal.position = byte;  // é is two bytes and one character; positions begin with 1
  const Error error = sql->explain({ErrorCode::sql, "no such column"}, refusal);
  EXPECT_EQ(error.location.column, 11 + static_cast<int>(text.find("nam")));
  EXPECT_EQ(error.message, "no such column");

  const auto folded = ServerSql::make(written(text, false), postgres);
  const Error there = folded->explain({ErrorCode::sql, "no such column"}, refusal);
  EXPECT_EQ(there.location.column, 11);
  EXPECT_EQ(there.message, "no such column, at: nam FROM t");

  const Error other = sql->explain({ErrorCode::unavailable, "gone"}, refusal);
  EXPECT_EQ(other.location.line, 0) << "the text is not to blame";
}

TEST(PlaceInText, CountsLinesAndCharacters) {
  EXPECT_EQ(place_in_text("SELECT x", 8), "line 1, character 8");
  EXPECT_EQ(place_in_text("SELECT 'é',\n  x", 15), "line 2, character 3");
}

}  // namespace
}  // namespace weir::pipeline
