#include "postgres/types.h"

#include <gmock/gmock.h>

#include <utility>

#include "postgres/column_for_test.h"
#include "postgres/failure.h"
#include "postgres/test_server_for_test.h"

namespace weir::postgres {
namespace {

TEST(Types, EachHasAColumnTypeThatTheCatalogSpellsTheSame) {
  const std::pair<const char*, const char*> types[] = {
      {"boolean", "boolean"},
      {"tinyint", "smallint"},
      {"smallint", "smallint"},
      {"integer", "integer"},
      {"bigint", "bigint"},
      {"hugeint", "numeric(39,0)"},
      {"real", "real"},
      {"double", "double precision"},
      {"decimal(20,0)", "numeric(20,0)"},
      {"decimal(38,38)", "numeric(38,38)"},
      {"varchar", "text"},
      {"varchar(255)", "varchar(255)"},
      {"bytes", "bytea"},
      {"date", "date"},
      {"time", "time"},
      {"timestamp", "timestamp"},
      {"timestamptz", "timestamptz"},
      {"uuid", "uuid"},
      {"json", "json"},
      {"varchar(3)[]", "varchar(3)[]"},
      {"timestamptz[]", "timestamptz[]"},
      {"decimal(9,2)[]", "numeric(9,2)[]"},
      {"json[]", "json[]"},
  };
  const auto session = TestServer::shared().connect();
  for (const auto& [type, column] : types) {
    SCOPED_TRACE(type);
    EXPECT_EQ(column_type(type_of(type)), column);
    ASSERT_TRUE(session->begin());
    ASSERT_TRUE(session->run("CREATE TEMP TABLE t (v " + column_type(type_of(type)) + ")"));
    const auto rows = session->run(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = 't'::regclass AND attname = 'v'");
    ASSERT_TRUE(rows);
    EXPECT_EQ(comparable_type(rows->text(0, 0)), column);
    session->rollback();
  }
}

TEST(Types, WhatDiffersIsSpelledDifferently) {
  EXPECT_EQ(comparable_type("timestamp(3) without time zone"), "timestamp(3)");
  EXPECT_EQ(comparable_type("time(0) with time zone"), "timetz(0)");
  EXPECT_EQ(comparable_type("character(3)"), "char(3)");
  EXPECT_EQ(comparable_type("character varying"), "text");
  EXPECT_EQ(comparable_type("numeric"), "numeric");
  EXPECT_EQ(comparable_type("jsonb"), "jsonb");
}

TEST(Failure, StatesBecomeWhatCallersReactTo) {
  const std::pair<const char*, ErrorCode> codes[] = {
      {"08006", ErrorCode::unavailable}, {"08P01", ErrorCode::unavailable},
      {"57P01", ErrorCode::unavailable}, {"57P02", ErrorCode::unavailable},
      {"57P03", ErrorCode::unavailable}, {"40001", ErrorCode::busy},
      {"40P01", ErrorCode::busy},        {"55P03", ErrorCode::busy},
      {"53300", ErrorCode::busy},        {"53100", ErrorCode::io},
      {"57014", ErrorCode::cancelled},   {"23505", ErrorCode::sql},
      {"42P01", ErrorCode::sql},         {"25P02", ErrorCode::sql},
  };
  for (const auto& [state, code] : codes) EXPECT_EQ(code_of_state(state), code) << state;
}

TEST(Failure, OfAConnectionTellsTheStateWithoutItsSpelling) {
  const Error error = connect_failure(
      "connection to server at \"db\" (10.0.0.1), port 5432 failed: FATAL:  57P03: the database "
      "system is starting up\nLOCATION:  ProcessStartupPacket, postmaster.c:2349\n");
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_EQ(error.message,
            "cannot connect to Postgres: connection to server at \"db\" (10.0.0.1), port 5432 "
            "failed: FATAL: the database system is starting up");
  EXPECT_EQ(connect_failure("certificate verify failed\n").code, ErrorCode::sql);
  const Error closed = connect_failure("Connection refused\n\tIs the server running?\n");
  EXPECT_EQ(closed.code, ErrorCode::unavailable);
  EXPECT_EQ(closed.message,
            "cannot connect to Postgres: Connection refused; Is the server running?");
}

}  // namespace
}  // namespace weir::postgres
