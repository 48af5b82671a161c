// Any bytes as the SQL of a named query, for each engine: never crashes; and where the text is
// taken, nothing but its parameters is changed, and each is in a cast.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "pipeline/named_sql.h"

namespace weir::pipeline {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

NamedQuery query_of(std::string_view sql) {
  NamedQuery query;
  query.name = "q";
  query.sql = {std::string(sql), {"q.sql", 1, 1}, true};
  DataType date, number;
  date.kind = TypeKind::date;
  number.kind = TypeKind::bigint;
  query.parameters = {{"since", date, {}, {}}, {"n", number, {}, {}}};
  return query;
}

void check(std::string_view sql, Engine engine) {
  const NamedQuery query = query_of(sql);
  const auto made = NamedSql::make(query, engine);
  WEIR_CHECK(made.has_value() == NamedSql::problems(query, engine).empty(),
             "what is refused has a problem, and the other way round");
  if (!made) return;
  const std::string& text = made->text().sql();
  for (size_t at = 0; at <= text.size(); ++at) {
    WEIR_CHECK(made->text().source_of(at) <= sql.size(), "each byte has its place in the source");
  }
  // Texts that spell a cast or a number themselves cannot be told from what was put in.
  if (sql.find("CAST(") != std::string_view::npos || sql.find("$1") != std::string_view::npos ||
      sql.find("$2") != std::string_view::npos) {
    return;
  }
  std::string back = text;
  for (const std::string_view type : {"BIGINT", "bigint", "SIGNED"}) {
    replace_all(back, "CAST($2 AS " + std::string(type) + ")", "$n");
  }
  for (const std::string_view type : {"DATE", "date"}) {
    replace_all(back, "CAST($1 AS " + std::string(type) + ")", "$since");
  }
  replace_all(back, "$1", "$since");
  replace_all(back, "$2", "$n");
  WEIR_CHECK(back == sql, "nothing but the parameters is changed");
}

}  // namespace
}  // namespace weir::pipeline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  for (const weir::Engine engine :
       {weir::Engine::duckdb, weir::Engine::postgres, weir::Engine::mysql}) {
    weir::pipeline::check(sql, engine);
  }
  return 0;
}
