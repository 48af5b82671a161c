#include "duckdb/new_database_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "duckdb/connection.h"
#include "duckdb/database.h"
#include "io/temporary_folder_for_test.h"

namespace weir::duckdb {
namespace {

class NewDatabaseFile : public testing::Test {
 protected:
  std::string path() const { return folder_.path("x.duckdb"); }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_.path(name)) << bytes;
  }
  size_t files() const {
    const std::filesystem::directory_iterator all(folder_.path());
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }
  bool opens() const {
    DatabaseOptions options;
    options.path = path();
    const auto database = Database::open(options);
    if (!database) return false;
    const auto connection = (*database)->connect();
    return connection && (*connection)->run("CREATE TABLE IF NOT EXISTS t (a INTEGER)");
  }

  io::TemporaryFolder folder_;
};

TEST_F(NewDatabaseFile, IsWholeAndAlone) {
  ASSERT_TRUE(make_database_file(path()));
  EXPECT_GT(std::filesystem::file_size(path()), 0u);
  EXPECT_EQ(files(), 1u);
  EXPECT_TRUE(opens());
}

TEST_F(NewDatabaseFile, TakesThePlaceOfAnEmptyOneThatAKilledProgramLeft) {
  write("x.duckdb", "");
  write("x.duckdb.new", "half a header");
  EXPECT_TRUE(opens());
  EXPECT_EQ(files(), 1u);
}

TEST_F(NewDatabaseFile, LeavesWhatHoldsBytesAlone) {
  write("x.duckdb", "precious");
  EXPECT_FALSE(opens());
  EXPECT_EQ(std::filesystem::file_size(path()), 8u);
  EXPECT_EQ(files(), 1u);
}

TEST_F(NewDatabaseFile, SaysWhyItCannotBeMade) {
  const auto made = make_database_file(folder_.path("missing/x.duckdb"));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::io);
}

}  // namespace
}  // namespace weir::duckdb
