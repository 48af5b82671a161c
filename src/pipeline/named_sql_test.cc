#include "pipeline/named_sql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Engine duckdb = Engine::duckdb;
constexpr Engine postgres = Engine::postgres;
constexpr Engine mysql = Engine::mysql;

/// A query with the parameters since, a date, and most, an integer.
NamedQuery query_of(const std::string& sql) {
  NamedQuery query;
  query.name = "q";
  query.sql = {sql, {"weir.yaml", 7, 11}, true};
  query.parameters = {{"since", *parse_data_type("date"), {}, {"weir.yaml", 8, 5}},
                      {"most", *parse_data_type("integer"), "10", {"weir.yaml", 9, 5}}};
  return query;
}

std::string made(const std::string& text, Engine engine) {
  const auto sql = NamedSql::make(query_of(text), engine);
  return sql ? sql->text().sql() : sql.error().to_string();
}

std::vector<std::string> problems(const std::string& text, Engine engine = postgres) {
  std::vector<std::string> said;
  for (const Error& each : NamedSql::problems(query_of(text), engine)) {
    said.push_back(each.to_string());
  }
  return said;
}

TEST(NamedSql, ParametersAreNumberedAsTheyAreDeclaredAndCastToTheirTypes) {
  const std::string text = "SELECT $most, d FROM t WHERE d >= $since AND n<$most";
  EXPECT_EQ(made(text, duckdb),
            "SELECT CAST($2 AS INTEGER), d FROM t WHERE d >= CAST($1 AS DATE) AND "
            "n<CAST($2 AS INTEGER)");
  EXPECT_EQ(made(text, postgres),
            "SELECT CAST($2 AS integer), d FROM t WHERE d >= CAST($1 AS date) AND "
            "n<CAST($2 AS integer)");
  EXPECT_EQ(made(text, mysql),
            "SELECT CAST($2 AS SIGNED), d FROM t WHERE d >= CAST($1 AS DATE) AND "
            "n<CAST($2 AS SIGNED)");
}

TEST(NamedSql, MySqlsLimitTakesAParameterAlone) {
  EXPECT_EQ(made("SELECT $since LIMIT /* n */ $most", mysql),
            "SELECT CAST($1 AS DATE) LIMIT /* n */ $2");
  EXPECT_EQ(made("SELECT $since limit 5, $most", mysql), "SELECT CAST($1 AS DATE) limit 5, $2");
  EXPECT_EQ(made("(SELECT $since LIMIT 1) UNION SELECT $most", mysql),
            "(SELECT CAST($1 AS DATE) LIMIT 1) UNION SELECT CAST($2 AS SIGNED)");
  EXPECT_EQ(made("SELECT $since LIMIT $most", postgres),
            "SELECT CAST($1 AS date) LIMIT CAST($2 AS integer)");
}

TEST(NamedSql, WhatLooksLikeAParameterInAStringNameOrCommentIsText) {
  const std::string used = " $since $most";
  const auto stays = [&](const std::string& text, Engine engine) {
    const auto sql = NamedSql::make(query_of(text + used), engine);
    ASSERT_TRUE(sql) << text << ": " << sql.error().to_string();
    EXPECT_TRUE(sql->text().sql().starts_with(text + " CAST(")) << sql->text().sql();
  };
  for (const Engine engine : {duckdb, postgres}) {
    stays("'$since'", engine);
    stays("'it''s $x'", engine);
    stays("E'\\' $x'", engine);
    stays("\"$x\"", engine);
    stays("$$ $x $$", engine);
    stays("$tag$ $x $$ $tag$", engine);
    stays("-- $x\n", engine);
    stays("/* $x /* $y */ $x */", engine);
    stays("a$since", engine);
    stays("t.a$1", engine);
  }
  stays("'it\\'s $x'", mysql);
  stays("`$x`", mysql);
  stays("# $x\n", mysql);
  stays("-- $x\n", mysql);
}

TEST(NamedSql, ForDuckDBToDescribeItNullsStandInForValues) {
  const auto sql = NamedSql::make(query_of("SELECT $since, $most"), duckdb);
  ASSERT_TRUE(sql);
  EXPECT_EQ(sql->without_parameters().sql(), "SELECT CAST(NULL AS DATE), CAST(NULL AS INTEGER)");
}

TEST(NamedSql, ProblemsStandAtTheirPlaces) {
  EXPECT_THAT(problems("SELECT $since, $most"), IsEmpty());
  EXPECT_THAT(problems("SELECT $since, $most, $sinse"),
              ElementsAre("weir.yaml:7:33: the parameter $sinse is not declared; did you mean "
                          "$since?"));
  EXPECT_THAT(problems("SELECT $since,\n  $most,\n  $other"),
              ElementsAre("weir.yaml:9:3: the parameter $other is not declared; declare it: "
                          "parameters: {other: TYPE}"));
  EXPECT_THAT(problems("SELECT '$since', $most"),
              ElementsAre("weir.yaml:8:5: the SQL does not use the parameter 'since'; write $since "
                          "outside of quotes, or do not declare it"));
  EXPECT_THAT(problems("SELECT $since, $most, $1"),
              ElementsAre(HasSubstr("weir.yaml:7:33: a parameter of a named query has a name")));
  EXPECT_THAT(problems("SELECT $since, $most, ${run.day}"),
              ElementsAre(HasSubstr("weir.yaml:7:33: a named query belongs to no run")));
  EXPECT_EQ(problems("SELECT $Since, $most").size(), 2u) << "names are told apart by case";
}

TEST(NamedSql, AServersRefusalStandsAtItsPlaceInTheFile) {
  const auto sql = NamedSql::make(query_of("SELECT $since, $most, nowhere"), postgres);
  ASSERT_TRUE(sql);
  server::Refusal refusal;
  refusal.position = sql->text().sql().find("nowhere") + 1;
  const Error error = sql->text().explain({ErrorCode::sql, "no such column"}, refusal);
  EXPECT_EQ(error.location, (Location{"weir.yaml", 7, 33}));
}

}  // namespace
}  // namespace weir::pipeline
