#pragma once

#include "mysql/text_buffer.h"
#include "server/column_view.h"

namespace weir::mysql {

/// Writes one value, which is there, as the server reads it: "-12.50", "2024-02-29
/// 23:59:59.000001", "1" for true. Escapes nothing: it is for the types whose text needs none.
/// False when the server's type has no such value (a NaN, an infinite date).
using WriteValue = bool (*)(const server::ColumnView& column, size_t row, TextBuffer& out);

/// For every type but varchar, json, bytes and lists, for which it is null.
WriteValue value_writer(const DataType& type);

/// A list as a JSON array: numbers and booleans bare, json as it stands, everything else a string
/// in the type's own spelling. False as above.
bool write_list(const server::ColumnView& column, size_t row, TextBuffer& out);

/// Two digits per byte.
void write_hex(std::string_view bytes, TextBuffer& out);

}  // namespace weir::mysql
