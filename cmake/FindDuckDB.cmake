# DuckDB::DuckDB. A system DuckDB wins; else the pinned packages that `npm ci` puts into
# node_modules (see package.json and package-lock.json): the library from one, the C header from
# the other.
find_path(DuckDB_INCLUDE_DIR duckdb.h
          HINTS ${PROJECT_SOURCE_DIR}/node_modules/duckdb/src/duckdb/src/include)
find_library(DuckDB_LIBRARY duckdb
             HINTS ${PROJECT_SOURCE_DIR}/node_modules/@duckdb/node-bindings-linux-x64)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  DuckDB REQUIRED_VARS DuckDB_LIBRARY DuckDB_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "run `make deps`, which installs it with npm")
if(DuckDB_FOUND AND NOT TARGET DuckDB::DuckDB)
  add_library(DuckDB::DuckDB SHARED IMPORTED)
  set_target_properties(DuckDB::DuckDB PROPERTIES IMPORTED_LOCATION ${DuckDB_LIBRARY}
                                                  IMPORTED_NO_SONAME TRUE)
  # Only duckdb.h is taken: the folder beside it holds the C++ sources' headers.
  set(shim ${CMAKE_BINARY_DIR}/duckdb_header)
  file(MAKE_DIRECTORY ${shim})
  configure_file(${DuckDB_INCLUDE_DIR}/duckdb.h ${shim}/duckdb.h COPYONLY)
  target_include_directories(DuckDB::DuckDB SYSTEM INTERFACE ${shim})
endif()
