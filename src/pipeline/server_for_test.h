#pragma once

// For tests: the test project's tables in a database of its own on a real server.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "pipeline/test_project.h"
#include "postgres/test_server_for_test.h"

namespace weir::pipeline {

class PostgresDatabase {
 public:
  PostgresDatabase() {
    static std::atomic<int> serial{0};
    name_ = "test" + std::to_string(++serial);
    postgres::TestServer& server = postgres::TestServer::shared();
    const auto made = server.connect()->run("CREATE DATABASE " + name_);
    EXPECT_TRUE(made) << made.error().to_string();
    server::Options options = server.by_socket();
    options.database = name_;
    connection_ = std::move(*postgres::connect(options));
  }

  std::string url() const {
    const postgres::TestServer& server = postgres::TestServer::shared();
    return "postgres://owner@localhost:" + std::to_string(server.port()) + "/" + name_ +
           "?host=" + server.folder();
  }

  /// Rows as "a|b", NULL as "NULL"; an error as its text.
  std::vector<std::string> query(const std::string& sql) {
    const auto rows = connection_->run(sql);
    if (!rows) return {rows.error().to_string()};
    std::vector<std::string> lines;
    for (const auto& row : rows->rows) {
      std::string line;
      for (const auto& cell : row) {
        line += (&cell == &row.front() ? "" : "|") + cell.value_or("NULL");
      }
      lines.push_back(line);
    }
    return lines;
  }
  /// Several statements, one after the other.
  void write(const std::vector<std::string>& statements) {
    for (const std::string& sql : statements) {
      const auto done = connection_->run(sql);
      ASSERT_TRUE(done) << sql << ": " << done.error().to_string();
    }
  }
  server::Connection& connection() { return *connection_; }

 private:
  std::string name_;
  std::unique_ptr<server::Connection> connection_;
};

}  // namespace weir::pipeline
