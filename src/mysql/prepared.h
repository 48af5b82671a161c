#pragma once

#include <mysql.h>

#include <span>
#include <string>
#include <vector>

#include "mysql/refusal.h"
#include "server/connection.h"

namespace weir::mysql {

/// One prepared statement: text in, rows of text out, one by one from the wire. Prepared even
/// without parameters: only the binary protocol gives a FLOAT with all its digits.
///
/// Cells: numbers as digits, floats shortest, DATE 2024-02-29, DATETIME 2024-02-29 10:20:30.000001
/// (as many digits as the column has), TIME likewise, BIT as a number, BINARY and BLOB as \x00ff.
class Prepared {
 public:
  explicit Prepared(MYSQL* session);
  ~Prepared();
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  /// These give false when the server refuses; see error().
  bool prepare(const std::string& sql);
  bool execute(const std::vector<const server::Cell*>& arguments);

  size_t parameters() const;
  /// Of what was executed; empty when it gives no rows.
  const std::vector<server::QueryColumn>& columns() const { return described_; }
  /// Of what was prepared only.
  std::vector<server::QueryColumn> described();

  enum class Step { row, end, failed };
  Step next(std::vector<server::Cell>& row);
  /// Reads what is left: further rows, further results of a CALL.
  bool drain();

  uint64_t changed() const { return changed_; }
  ServerError error() const;

 private:
  struct Column {
    enum_field_types type = MYSQL_TYPE_STRING;
    bool binary = false;
    bool is_unsigned = false;
    unsigned decimals = 0;
    std::vector<char> buffer;
    unsigned long length = 0;
    my_bool is_null = 0;
    my_bool error = 0;
  };
  void describe();
  bool bind();
  bool take(size_t index, server::Cell& cell);

  MYSQL_STMT* statement_;
  std::vector<server::QueryColumn> described_;
  std::vector<Column> columns_;
  std::vector<MYSQL_BIND> binds_;
  uint64_t changed_ = 0;
};

}  // namespace weir::mysql
