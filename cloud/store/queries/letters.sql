-- name: docs_named
-- What stands of these records: the n-th of `tbls` with the n-th of `pks`.
SELECT tbl, pk, doc FROM row_state
WHERE club_id = %(club_id)s
  AND (tbl, pk) IN (SELECT asked.tbl, asked.pk FROM unnest(%(tbls)s::text[], %(pks)s::text[]) AS asked (tbl, pk));
