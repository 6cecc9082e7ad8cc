-- name: club_by_name
SELECT club_id, name FROM club WHERE lower(name) = lower(%(name)s);

-- name: club_add
INSERT INTO club (club_id, name, created_ms) VALUES (%(club_id)s, %(name)s, %(now_ms)s) ON CONFLICT DO NOTHING;

-- name: club_clock_add
INSERT INTO club_clock (club_id) VALUES (%(club_id)s) ON CONFLICT DO NOTHING;

-- name: clubs
SELECT club_id, name FROM club ORDER BY club_id;

-- name: coach_by_email
SELECT coach.email, coach.club_id, club.name AS club_name, coach.password_hash
FROM coach JOIN club ON club.club_id = coach.club_id
WHERE coach.email = %(email)s;

-- name: coach_add
INSERT INTO coach (email, club_id, password_hash, created_ms)
VALUES (%(email)s, %(club_id)s, %(password_hash)s, %(now_ms)s)
ON CONFLICT DO NOTHING;

-- name: claim_code_add
INSERT INTO claim_code (code_sha256, club_id, expires_ms) VALUES (%(code_sha256)s, %(club_id)s, %(expires_ms)s);

-- name: claim_code_lock
-- Single use: whoever holds the row and finds it nobody's has it.
SELECT club_id, used_by FROM claim_code WHERE code_sha256 = %(code_sha256)s AND expires_ms > %(now_ms)s
FOR UPDATE;

-- name: claim_code_use
UPDATE claim_code SET used_by = %(pubkey)s WHERE code_sha256 = %(code_sha256)s;

-- name: club_by_id
SELECT club_id, name FROM club WHERE club_id = %(club_id)s;

-- name: sign_in_add
INSERT INTO coach_sign_in (token_sha256, email, created_ms, expires_ms)
VALUES (%(token_sha256)s, %(email)s, %(now_ms)s, %(expires_ms)s);

-- name: sign_in_coach
SELECT coach.email, coach.club_id, club.name AS club_name, coach.password_hash
FROM coach_sign_in
JOIN coach ON coach.email = coach_sign_in.email
JOIN club ON club.club_id = coach.club_id
WHERE coach_sign_in.token_sha256 = %(token_sha256)s AND coach_sign_in.expires_ms > %(now_ms)s;

-- name: sign_in_end
DELETE FROM coach_sign_in WHERE token_sha256 = %(token_sha256)s;

-- name: expired_sign_ins_remove
DELETE FROM coach_sign_in WHERE expires_ms <= %(now_ms)s;

-- name: expired_codes_remove
DELETE FROM claim_code WHERE expires_ms <= %(now_ms)s;

-- name: expired_nonces_remove
DELETE FROM hub_nonce WHERE expires_ms <= %(now_ms)s;

-- name: expired_tokens_remove
DELETE FROM hub_token WHERE expires_ms <= %(now_ms)s;
