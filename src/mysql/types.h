#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/data_type.h"
#include "server/connection.h"

namespace weir::mysql {

/// Which server's SQL it is.
struct Dialect {
  bool mariadb = true;
  unsigned release = 0;  ///< 10.11.6 is 101106
};
/// Of Connection::version().
Dialect dialect_of(std::string_view version);

/// InnoDB's keys end at so many bytes.
constexpr int longest_key = 3072;
/// At most, what a column of the type takes of them in a key of `key_columns` columns.
int bytes_in_key(const DataType& type, int key_columns);

/// How deep the server takes json to be nested, at most.
int json_depth(const Dialect& dialect);

/// " CHARACTER SET utf8mb4 COLLATE …" of texts: binary, and padding nothing.
std::string text_collation(const Dialect& dialect);

/// The column type, with its collation and check, that `CREATE TABLE` gives a column called
/// `quoted_name` (the check names it).
///
///   boolean            tinyint(1)
///   tinyint … bigint   the same · hugeint decimal(39,0)
///   real, double       float, double
///   decimal(p,s)       the same; a scale above 30 is refused
///   varchar(n)         the same up to 16383, where a row ends; longtext above, and without n
///   bytes              longblob
///   date, time         date, time(6)
///   timestamp          datetime(6)
///   timestamptz        datetime(6) in UTC: the server's TIMESTAMP ends in 2038 (MariaDB
///   before 11.5:
///                      2038-01-19, later 2106) and begins in 1970
///   uuid               char(36) in lower case: MariaDB's own uuid refuses some, as
///                      01234567-89ab-cdef-0123-456789abcdef
///   json, lists        longtext that json_valid checks: MySQL's own JSON sorts keys and passes
///   long
///                      numbers through a double
///
/// Text is utf8mb4 under a binary collation that pads nothing, so that 'a', 'A' and 'a ' are three
/// keys: utf8mb4_nopad_bin on MariaDB, utf8mb4_0900_bin on MySQL.
///
/// In a key of `key_columns` columns (0: the column is in none) text without n gets varchar(768 /
/// k), and bytes varbinary(3072 / k), since InnoDB's keys end at 3072 bytes: a longer value is
/// rejected.
///
/// Errors: invalid_project (no such type on the server; too long for a key; json or a list in one).
Result<std::string> column_type(const DataType& type, const Dialect& dialect,
                                std::string_view quoted_name, int key_columns = 0);

/// A column as the server's dictionary has it.
struct ColumnFacts {
  std::string name;
  std::string column_type;  ///< "varchar(255)", "int(11) unsigned"
  std::string character_set;
  std::string collation;
  bool nullable = true;
  bool generated = false;
  bool auto_increment = false;
  bool json = false;  ///< json_valid checks it, or its type is JSON
  std::optional<std::string> default_value;
  int key_position = 0;  ///< in the primary key, from 1; 0: not in it

  /// Which of weir's types holds its values; nullopt when none does (enum, set, unsigned bigint is
  /// decimal(20,0), …). A timestamptz comes back as timestamp: both are datetime.
  std::optional<DataType> data_type() const;
  /// Whether it is what `column_type` makes of `type`, names of checks aside.
  bool holds(const DataType& type) const;
  /// Whether 'a', 'A' and 'a ' are three values of it; true when it is no text.
  bool tells_text_apart() const;
};

/// A table's columns in their order; empty when there is no such table. An empty schema is the
/// session's database. Errors as of Connection::run.
Result<std::vector<ColumnFacts>> columns_of(server::Connection& connection,
                                            const std::string& schema, const std::string& table);

/// What keeps a table's rows.
struct Engine {
  std::string name;  ///< "InnoDB"; empty: a view
  bool transactional = false;
};
/// nullopt: there is no such table. weir refuses a table whose engine has no transactions.
Result<std::optional<Engine>> engine_of(server::Connection& connection, const std::string& schema,
                                        const std::string& table);

}  // namespace weir::mysql
