#include "mysql/types.h"

#include <algorithm>
#include <charconv>

namespace weir::mysql {
namespace {

constexpr int longest_varchar = 16'383;  // 65,535 bytes of a row, four to a character
constexpr int longest_key_text = longest_key / 4;

std::string sized(std::string_view name, int size) {
  return std::string(name) + "(" + std::to_string(size) + ")";
}

/// Without collation and check.
std::string bare_type(const DataType& type, int key_columns) {
  switch (type.kind) {
    case TypeKind::boolean: return "tinyint(1)";
    case TypeKind::tinyint: return "tinyint";
    case TypeKind::smallint: return "smallint";
    case TypeKind::integer: return "int";
    case TypeKind::bigint: return "bigint";
    case TypeKind::hugeint: return "decimal(39,0)";
    case TypeKind::real: return "float";
    case TypeKind::double_: return "double";
    case TypeKind::decimal: return type.to_string();
    case TypeKind::varchar:
      if (type.length > 0 && type.length <= longest_varchar) return sized("varchar", type.length);
      return key_columns == 0 ? "longtext" : sized("varchar", longest_key_text / key_columns);
    case TypeKind::bytes:
      return key_columns == 0 ? "longblob" : sized("varbinary", longest_key / key_columns);
    case TypeKind::date: return "date";
    case TypeKind::time: return "time(6)";
    case TypeKind::timestamp:
    case TypeKind::timestamptz: return "datetime(6)";
    case TypeKind::uuid: return "char(36)";
    case TypeKind::json:
    case TypeKind::list: return "longtext";
  }
  return {};
}

DataType of_kind(TypeKind kind) {
  DataType type;
  type.kind = kind;
  return type;
}

DataType decimal(int precision, int scale) {
  DataType type = of_kind(TypeKind::decimal);
  type.precision = precision;
  type.scale = scale;
  return type;
}

/// "decimal(10,2) unsigned" in its parts.
struct Spelled {
  std::string word;
  int first = -1;
  int second = -1;
  bool is_unsigned = false;
};

Spelled spelled(std::string_view text) {
  Spelled result;
  result.is_unsigned = text.find(" unsigned") != std::string_view::npos;
  const size_t end = std::min({text.find('('), text.find(' '), text.size()});
  result.word = text.substr(0, end);
  const char* at = text.data() + end + 1;
  const char* const stop = text.data() + text.size();
  if (end == text.size() || text[end] != '(') return result;
  const auto [behind, error] = std::from_chars(at, stop, result.first);
  if (error == std::errc{} && behind < stop && *behind == ',') {
    std::from_chars(behind + 1, stop, result.second);
  }
  return result;
}

std::optional<DataType> integer_type(const Spelled& type) {
  const bool u = type.is_unsigned;
  if (type.word == "tinyint") {
    if (type.first == 1 && !u) return of_kind(TypeKind::boolean);
    return of_kind(u ? TypeKind::smallint : TypeKind::tinyint);
  }
  if (type.word == "smallint") return of_kind(u ? TypeKind::integer : TypeKind::smallint);
  if (type.word == "mediumint" || type.word == "year") return of_kind(TypeKind::integer);
  if (type.word == "int") return of_kind(u ? TypeKind::bigint : TypeKind::integer);
  if (type.word == "bigint") return u ? decimal(20, 0) : of_kind(TypeKind::bigint);
  return std::nullopt;
}

/// Integer types without their display width, which MySQL 8 no longer shows; tinyint(1) keeps it.
std::string without_width(const std::string& text) {
  const Spelled type = spelled(text);
  const bool integer = type.word.ends_with("int");
  if (!integer || (type.word == "tinyint" && type.first == 1)) return text;
  return type.word + (type.is_unsigned ? " unsigned" : "");
}

constexpr const char* columns_sql = R"(
SELECT c.column_name, LOWER(c.column_type), c.character_set_name, c.collation_name,
       c.is_nullable = 'YES', c.extra, c.column_default, k.ordinal_position,
       LOWER(c.data_type) = 'json' OR EXISTS (
         SELECT 1 FROM information_schema.check_constraints j
         WHERE j.constraint_schema = c.table_schema AND %TABLE%
           AND REPLACE(REPLACE(LOWER(j.check_clause), '(', ''), ')', '')
               = CONCAT('json_valid`', LOWER(c.column_name), '`'))
FROM information_schema.columns c
LEFT JOIN information_schema.key_column_usage k
  ON k.table_schema = c.table_schema AND k.table_name = c.table_name
 AND k.column_name = c.column_name AND k.constraint_name = 'PRIMARY'
WHERE c.table_schema = COALESCE(NULLIF($1, ''), DATABASE()) AND c.table_name = $2
ORDER BY c.ordinal_position)";

}  // namespace

Dialect dialect_of(std::string_view version) {
  Dialect dialect;
  dialect.mariadb = version.starts_with("MariaDB");
  version.remove_prefix(std::min(version.find(' '), version.size()));
  for (int i = 0; i < 3; ++i) {
    unsigned part = 0;
    if (!version.empty()) version.remove_prefix(1);
    const auto [end, error] =
        std::from_chars(version.data(), version.data() + version.size(), part);
    if (error != std::errc{}) part = 0;
    version.remove_prefix(static_cast<size_t>(end - version.data()));
    dialect.release = dialect.release * 100 + part;
  }
  return dialect;
}

std::string text_collation(const Dialect& dialect) {
  return std::string(" CHARACTER SET utf8mb4 COLLATE ") +
         (dialect.mariadb ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin");
}

int json_depth(const Dialect& dialect) { return dialect.mariadb ? 31 : 100; }

int bytes_in_key(const DataType& type, int key_columns) {
  const Spelled spelling = spelled(bare_type(type, key_columns));
  switch (type.kind) {
    case TypeKind::varchar: return 4 * spelling.first;
    case TypeKind::bytes: return spelling.first;
    case TypeKind::uuid: return 36;
    case TypeKind::hugeint:
    case TypeKind::decimal: return 18;  // of 39 digits
    default: return 8;
  }
}

Result<std::string> column_type(const DataType& type, const Dialect& dialect,
                                std::string_view quoted_name, int key_columns) {
  const auto refuse = [&](const std::string& why, std::string fix) {
    return fail(ErrorCode::invalid_project,
                type.to_string() + " of column " + std::string(quoted_name) + " " + why +
                    (dialect.mariadb ? " on MariaDB" : " on MySQL"),
                std::move(fix));
  };
  const std::string bare = bare_type(type, key_columns);
  switch (type.kind) {
    case TypeKind::decimal:
      if (type.scale > 30) {
        return refuse("has no type", "a decimal has at most 30 digits behind its point there");
      }
      return bare;
    case TypeKind::varchar:
      if (key_columns > 0 && type.length > longest_key_text) {
        return refuse("is too long for a key",
                      "declare at most varchar(768); all columns of a key have 3072 bytes");
      }
      return bare + text_collation(dialect);
    case TypeKind::uuid: return bare + " CHARACTER SET ascii COLLATE ascii_bin";
    case TypeKind::json:
    case TypeKind::list:
      if (key_columns > 0) return refuse("cannot be in a key", "use other columns for the key");
      return bare + text_collation(dialect) + " CHECK (json_valid(" + std::string(quoted_name) +
             "))";
    default: return bare;
  }
}

std::optional<DataType> ColumnFacts::data_type() const {
  if (json) return of_kind(TypeKind::json);
  const Spelled type = spelled(column_type);
  const std::string& word = type.word;
  if (auto integer = integer_type(type)) return integer;
  if (word == "bit") return of_kind(type.first == 1 ? TypeKind::boolean : TypeKind::hugeint);
  if (word == "float") return of_kind(TypeKind::real);
  if (word == "double") return of_kind(TypeKind::double_);
  if (word == "decimal") {
    if (type.first == 39 && type.second == 0) return of_kind(TypeKind::hugeint);
    if (type.first > 38) return std::nullopt;
    return decimal(type.first, std::max(type.second, 0));
  }
  if (word == "date") return of_kind(TypeKind::date);
  if (word == "time") return of_kind(TypeKind::time);
  if (word == "datetime") return of_kind(TypeKind::timestamp);
  if (word == "timestamp") return of_kind(TypeKind::timestamptz);
  if (word == "uuid") return of_kind(TypeKind::uuid);
  if (word.ends_with("blob") || word.ends_with("binary")) return of_kind(TypeKind::bytes);
  if (word == "char" && type.first == 36 && character_set == "ascii") {
    return of_kind(TypeKind::uuid);
  }
  DataType text = of_kind(TypeKind::varchar);
  if (word.ends_with("text")) return text;
  if (word != "varchar" && word != "char") return std::nullopt;
  text.length = type.first;
  return text;
}

bool ColumnFacts::holds(const DataType& type) const {
  const bool wants_json = type.kind == TypeKind::json || type.kind == TypeKind::list;
  // What is a key may have been made narrower for it.
  const std::string mine = without_width(column_type);
  if (key_position > 0 && bare_type(type, 0) != mine) {
    for (int columns = 1; columns <= 16; ++columns) {
      if (bare_type(type, columns) == mine) return tells_text_apart();
    }
  }
  return bare_type(type, 0) == mine && wants_json == json && tells_text_apart();
}

bool ColumnFacts::tells_text_apart() const {
  if (character_set.empty()) return true;
  // utf8mb4_bin pads: 'a' = 'a '. Of uuids in ascii_bin all have one length.
  return collation == "utf8mb4_nopad_bin" || collation == "utf8mb4_0900_bin" ||
         (json && collation.ends_with("_bin")) || collation == "ascii_bin";
}

Result<std::vector<ColumnFacts>> columns_of(server::Connection& connection,
                                            const std::string& schema, const std::string& table) {
  std::string sql = columns_sql;
  // MySQL's dictionary of checks does not name their tables.
  sql.replace(sql.find("%TABLE%"), 7,
              dialect_of(connection.version()).mariadb
                  ? "j.table_name = c.table_name"
                  : "EXISTS (SELECT 1 FROM information_schema.table_constraints t WHERE "
                    "t.constraint_schema = j.constraint_schema AND t.constraint_name = "
                    "j.constraint_name AND t.table_name = c.table_name)");
  const std::vector<server::Cell> parameters = {schema, table};
  const server::Rows rows = WEIR_TRY(connection.run(sql, parameters));
  std::vector<ColumnFacts> columns;
  for (size_t i = 0; i < rows.size(); ++i) {
    ColumnFacts facts;
    facts.name = rows.text(i, 0);
    facts.column_type = rows.text(i, 1);
    facts.character_set = rows.text(i, 2);
    facts.collation = rows.text(i, 3);
    facts.nullable = rows.int64(i, 4) != 0;
    const std::string extra = rows.text(i, 5);
    facts.auto_increment = extra.find("auto_increment") != std::string::npos;
    facts.generated = extra.find("VIRTUAL GENERATED") != std::string::npos ||
                      extra.find("STORED GENERATED") != std::string::npos;
    facts.default_value = rows.rows[i][6];
    facts.key_position = static_cast<int>(rows.int64(i, 7));
    facts.json = rows.int64(i, 8) != 0;
    columns.push_back(std::move(facts));
  }
  return columns;
}

Result<std::optional<Engine>> engine_of(server::Connection& connection, const std::string& schema,
                                        const std::string& table) {
  const std::vector<server::Cell> parameters = {schema, table};
  const server::Rows rows = WEIR_TRY(connection.run(
      "SELECT t.engine, e.transactions = 'YES' FROM information_schema.tables t LEFT JOIN "
      "information_schema.engines e ON e.engine = t.engine WHERE t.table_schema = "
      "COALESCE(NULLIF($1, ''), DATABASE()) AND t.table_name = $2",
      parameters));
  if (rows.size() == 0) return std::nullopt;
  return Engine{rows.text(0, 0), rows.int64(0, 1) != 0};
}

}  // namespace weir::mysql
