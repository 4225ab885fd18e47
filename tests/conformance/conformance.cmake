# The AWS protocol suites, where a checkout has them beside it (MEKONG_SUITES); skipped by name elsewhere.
set(MEKONG_SUITES ${CMAKE_SOURCE_DIR}/../shared/conformance/aws-protocols CACHE PATH "the AWS protocol test suites")
set(here ${CMAKE_SOURCE_DIR}/tests/conformance)
if(NOT EXISTS ${MEKONG_SUITES}/input)
  add_test(NAME conformance COMMAND ${CMAKE_COMMAND} -E echo "skipped: no AWS protocol suites in ${MEKONG_SUITES}")
  set_tests_properties(conformance PROPERTIES SKIP_REGULAR_EXPRESSION "^skipped: ")
  return()
endif()
set(out ${CMAKE_BINARY_DIR}/conformance)
set(sources ${out}/all.cpp)
foreach(direction input output)
  foreach(protocol json json_1_0 json_1_0_query_compatible query ec2 rest_json rest_xml smithy_rpc_v2_cbor
      smithy_rpc_v2_cbor_query_compatible smithy_rpc_v2_cbor_non_query_compatible)
    list(APPEND sources ${out}/${direction}_${protocol}.cpp)
  endforeach()
endforeach()
add_custom_command(OUTPUT ${sources}
  COMMAND ${MEKONG_PYTHON} ${CMAKE_SOURCE_DIR}/tools/codegen/conformance.py --suites ${MEKONG_SUITES} --out ${out}
  DEPENDS ${CMAKE_SOURCE_DIR}/tools/codegen/conformance.py ${CMAKE_SOURCE_DIR}/tools/codegen/aws.py
    ${CMAKE_SOURCE_DIR}/tools/codegen/aws_model.py VERBATIM)
add_executable(mekong_conformance_test ${sources} ${here}/conformance_test.cpp)
target_include_directories(mekong_conformance_test PRIVATE ${out} ${CMAKE_SOURCE_DIR})
target_compile_definitions(mekong_conformance_test PRIVATE
  MEKONG_SUITES="${MEKONG_SUITES}" MEKONG_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
target_link_libraries(mekong_conformance_test PRIVATE mekong_api GTest::gtest_main)
add_test(NAME conformance COMMAND mekong_conformance_test)
