# Kafka's messages, generated from the schemas inside the pinned kafka-clients jar (./dev setup fetches it).
set(jar ${MEKONG_DEPS}/kafka-schemas/kafka-clients-3.7.2.jar)
set(generator ${CMAKE_SOURCE_DIR}/tools/codegen/kafka.py)
set(models ${CMAKE_SOURCE_DIR}/models/kafka_protocol.txt)
set(out ${CMAKE_BINARY_DIR}/gen/kafka_protocol)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${models})

file(STRINGS ${models} lines REGEX "^[A-Z]")
set(sources)
set(headers ${out}/apis.h)
foreach(line IN LISTS lines)
  string(REGEX REPLACE " .*" "" api ${line})
  string(REGEX REPLACE "([a-z0-9])([A-Z])" "\\1_\\2" api ${api})
  string(TOLOWER ${api} api)
  list(APPEND sources ${out}/${api}.cpp)
  list(APPEND headers ${out}/${api}.h)
endforeach()
add_custom_command(OUTPUT ${sources} ${headers}
  COMMAND ${MEKONG_PYTHON} ${generator} --schemas ${jar} --models ${models} --out ${out}
  COMMAND ${CMAKE_COMMAND} -E touch ${sources} ${headers}
  DEPENDS ${generator} ${models} ${jar} VERBATIM)
add_library(mekong_gen_kafka_protocol STATIC ${sources} ${headers})
target_include_directories(mekong_gen_kafka_protocol PUBLIC ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(mekong_gen_kafka_protocol PUBLIC mekong_codec)
add_test(NAME codegen_kafka COMMAND ${MEKONG_PYTHON} ${CMAKE_SOURCE_DIR}/tools/codegen/kafka_test.py)
