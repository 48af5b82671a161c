// What the dialects say, and that docs/reference/types.md says it too.
#include "pipeline/server_dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "duckdb/connection.h"

namespace weir::pipeline {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Of a server, only its version is asked.
class NamedServer final : public server::Connection {
 public:
  explicit NamedServer(std::string version) : version_(std::move(version)) {}
  Result<server::Rows> run(const std::string&, std::span<const server::Cell>) override {
    return fail(ErrorCode::internal, "nobody is there");
  }
  Result<std::vector<server::QueryColumn>> describe(const std::string&, size_t) override {
    return fail(ErrorCode::internal, "nobody is there");
  }
  Result<void> stream(const std::string&, std::span<const server::Cell>, const RowReader&,
                      const ColumnsReader&) override {
    return fail(ErrorCode::internal, "nobody is there");
  }
  Result<void> begin_snapshot() override { return {}; }
  Result<void> check_deferred() override { return {}; }
  Result<void> begin() override { return {}; }
  Result<void> commit() override { return {}; }
  void rollback() override {}
  Result<std::unique_ptr<server::BulkLoad>> bulk_load(const server::BulkTarget&) override {
    return fail(ErrorCode::internal, "nobody is there");
  }
  const server::Refusal& refusal() const override { return refusal_; }
  bool works() const override { return true; }
  void interrupt() override {}
  std::string version() const override { return version_; }
  std::string quote_identifier(std::string_view name) const override { return std::string(name); }
  std::string quote_literal(std::string_view text) const override { return std::string(text); }

 private:
  std::string version_;
  server::Refusal refusal_;
};

std::unique_ptr<const ServerDialect> dialect(Engine engine) {
  return ServerDialect::of(
      engine, NamedServer(engine == Engine::mysql ? "MariaDB 10.11.6" : "PostgreSQL 15"));
}

Column column_of(const std::string& type) {
  Column column;
  column.name = "c";
  column.type = parse_data_type(type).value();
  return column;
}

Table table_of(std::vector<Column> columns, std::vector<std::string> key) {
  Table table;
  table.name = TableName("t");
  table.columns = std::move(columns);
  table.key = std::move(key);
  return table;
}

/// What stands in the first backticks of a cell.
std::string code_in(const std::string& cell) {
  const size_t begin = cell.find('`');
  return cell.substr(begin + 1, cell.find('`', begin + 1) - begin - 1);
}

std::string with_figures(std::string type) {
  for (const auto& [name, figure] : {std::pair<std::string, std::string>{"(p,s)", "(12,3)"},
                                     {"(n)", "(20)"},
                                     {"TYPE", "INTEGER"},
                                     {"type", "integer"}}) {
    const size_t at = type.find(name);
    if (at != std::string::npos) type.replace(at, name.size(), figure);
  }
  return type;
}

TEST(ServerDialectTest, ThePageOfTypesSaysWhatTheyAre) {
  const auto page = std::filesystem::path(__FILE__).parent_path() / "../../docs/reference/types.md";
  std::ifstream file(page);
  ASSERT_TRUE(file) << page;
  const std::regex row(R"(^\| (`[^|]*) \| (`[^|]*) \| (`[^|]*) \| ([^|]*`[^|]*) \|$)");
  const auto postgres = dialect(Engine::postgres);
  const auto mysql = dialect(Engine::mysql);
  int rows = 0;
  for (std::string line; std::getline(file, line);) {
    std::smatch cells;
    if (!std::regex_match(line, cells, row)) continue;
    ++rows;
    const Column column = column_of(with_figures(code_in(cells[1])));
    const Table table = table_of({column}, {});
    EXPECT_EQ(duckdb::sql_type(column.type), with_figures(code_in(cells[2]))) << line;
    EXPECT_EQ(postgres->column_type(table, column, "c").value(), with_figures(code_in(cells[3])));
    const std::string found = mysql->column_type(table, column, "c").value();
    EXPECT_EQ(found.substr(0, found.find(" CHARACTER SET")), with_figures(code_in(cells[4])));
    // Where the page says that something is rejected, a rule rejects it, and nowhere else.
    const bool of_elements = column.type.kind == TypeKind::list;
    for (const auto& [of, cell] :
         {std::pair(postgres.get(), cells[3].str()), {mysql.get(), cells[4].str()}}) {
      std::string always = cell.substr(0, cell.find("in a key"));
      const bool rejects = always.find("rejected") != std::string::npos && !of_elements;
      EXPECT_EQ(!of->limits(table, column).empty(), rejects) << line;
    }
  }
  EXPECT_EQ(rows, 19);
}

TEST(ServerDialectTest, AListIsAskedAsItsElementsAre) {
  const auto mysql = dialect(Engine::mysql);
  const Column column = column_of("double[][]");
  const auto limits = mysql->limits(table_of({column}, {}), column);
  ASSERT_THAT(limits, SizeIs(1));
  EXPECT_EQ(limits.front().rule, "double[][] on MySQL");
  EXPECT_THAT(limits.front().broken, HasSubstr("NOT isfinite(e1)"));
  const Column numbers = column_of("integer[]");
  EXPECT_THAT(mysql->limits(table_of({numbers}, {}), numbers), IsEmpty());
}

TEST(ServerDialectTest, JsonIsMeasuredByItsBrackets) {
  duckdb::DatabaseOptions options;
  const auto database = duckdb::Database::open(options).value();
  const auto connection = database->connect().value();
  const auto limits = mysql_limits(column_of("json"), 3, 0);
  ASSERT_THAT(limits, SizeIs(1));
  const auto breaks = [&](const std::string& json) {
    const duckdb::Parameter text = json;
    const auto rows = connection->run("SELECT CAST(coalesce(" + limits.front().broken +
                                          ", false) AS INTEGER) FROM (SELECT $1::JSON AS c)",
                                      {&text, 1});
    EXPECT_TRUE(rows) << rows.error().to_string();
    return rows->int64(0, 0) == 1;
  };
  EXPECT_FALSE(breaks("[[[1]], [[2]], [[3]], {\"a\": {\"b\": 1}}]"));
  EXPECT_TRUE(breaks("[[[1]], [[2]], [[3]], {\"a\": {\"b\": []}}]"));
  EXPECT_TRUE(breaks("[[[[1]]]]"));
  EXPECT_FALSE(breaks(R"(["[[[[[[[[[[", "\"[[[[{{{{", "\\", [[1]]])"));
  EXPECT_TRUE(breaks(R"(["[[[", "\\", [[1]], {"a\"": [{"b": 1}]}])"));
}

TEST(ServerDialectTest, AKeyThatNoIndexTakesIsRefused) {
  Column a = column_of("varchar(700)");
  Column b = column_of("varchar(68)");
  a.name = "a";
  b.name = "b";
  const auto mysql = dialect(Engine::mysql);
  EXPECT_TRUE(mysql->check_key_length(table_of({a, b}, {"a", "b"})));
  b.type.length = 69;
  const auto refused = mysql->check_key_length(table_of({a, b}, {"a", "b"}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_project);
  EXPECT_THAT(refused.error().message, HasSubstr("3076 bytes"));
  EXPECT_TRUE(dialect(Engine::postgres)->check_key_length(table_of({a, b}, {"a", "b"})));
}

TEST(ServerDialectTest, PostgresHasNoListsOfLists) {
  const Column column = column_of("integer[][]");
  const auto refused = dialect(Engine::postgres)->column_type(table_of({column}, {}), column, "c");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_project);
}

}  // namespace
}  // namespace weir::pipeline
