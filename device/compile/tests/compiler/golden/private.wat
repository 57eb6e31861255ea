(module
  (type (;0;) (func (param i32 i32 i32 i32 i32 i32 i32)))
  (type (;1;) (func (param i32 i32 i32 i32 i32)))
  (import "session" "memory" (memory (;0;) 1 65536 shared))
  (export "run" (func 0))
  (func (;0;) (type 0) (param i32 i32 i32 i32 i32 i32 i32)
    (local i32 i32 i32 i32 i32 i32 v128 v128 v128 v128 v128 v128 i32 i32 i32 i32 i32 i32 i32 v128 v128 v128 v128)
    i32.const 0
    i32.atomic.load offset=96
    if ;; label = @1
      unreachable
    end
    i32.const 0
    local.set 7
    loop ;; label = @1
      local.get 7
      i32.const 2
      i32.shl
      local.set 8
      local.get 0
      local.get 7
      i32.const 192
      i32.mul
      i32.add
      local.set 12
      block ;; label = @2
        local.get 12
        i32.const 144
        i32.add
        i32.const 0
        i32.const 192
        memory.fill
        i32.const 0
        local.set 22
        local.get 1
        i32.const 8
        i32.mul
        local.set 23
        local.get 23
        local.get 8
        i32.add
        local.set 24
        block ;; label = @3
          loop ;; label = @4
            i32.const 0
            i32.atomic.load offset=96
            if ;; label = @5
              unreachable
            end
            block ;; label = @5
              local.get 22
              local.set 23
              local.get 23
              i32.const 12
              i32.lt_u
              local.set 25
              local.get 25
              i32.eqz
              if ;; label = @6
                br 3 (;@3;)
              end
              local.get 22
              local.set 25
              local.get 24
              local.get 25
              i32.add
              local.set 23
              local.get 23
              i32.const 1021
              i32.le_u
              if ;; label = @6
                i32.const 0
                local.get 23
                i32.const 4
                i32.mul
                i32.add
                v128.load offset=65728 align=4
                local.set 26
              else
                local.get 23
                i32x4.splat
                i32.const 0
                v128.load offset=128 align=4
                i32x4.add
                i32.const 0
                v128.load offset=144 align=4
                i32x4.min_u
                i32.const 2
                i32x4.shl
                local.set 27
                local.get 27
                i32x4.extract_lane 0
                v128.load32_zero offset=65728
                local.set 26
                local.get 27
                i32x4.extract_lane 1
                local.get 26
                v128.load32_lane offset=65728 1
                local.set 26
                local.get 27
                i32x4.extract_lane 2
                local.get 26
                v128.load32_lane offset=65728 2
                local.set 26
                local.get 27
                i32x4.extract_lane 3
                local.get 26
                v128.load32_lane offset=65728 3
                local.set 26
              end
              local.get 26
              local.set 13
              local.get 13
              i32.const 0
              v128.load offset=160 align=4
              i64x2.extmul_low_i32x4_u
              local.set 15
              local.get 13
              i32.const 0
              v128.load offset=160 align=4
              i64x2.extmul_high_i32x4_u
              local.set 16
              local.get 15
              local.get 16
              i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31
              local.set 15
              local.get 13
              local.get 15
              i32x4.sub
              i32.const 1
              i32x4.shr_u
              local.get 15
              i32x4.add
              i32.const 3
              i32x4.shr_u
              local.set 14
              local.get 13
              local.get 14
              i32.const 0
              v128.load offset=176 align=4
              i32x4.mul
              i32x4.sub
              local.set 27
              local.get 27
              i32.const 4
              i32x4.shl
              i32.const 0
              v128.load offset=192 align=4
              i32x4.add
              local.set 26
              local.get 26
              i32x4.extract_lane 0
              local.get 12
              i32.add
              v128.load32_zero offset=144
              local.set 28
              local.get 26
              i32x4.extract_lane 1
              local.get 12
              i32.add
              local.get 28
              v128.load32_lane offset=144 1
              local.set 28
              local.get 26
              i32x4.extract_lane 2
              local.get 12
              i32.add
              local.get 28
              v128.load32_lane offset=144 2
              local.set 28
              local.get 26
              i32x4.extract_lane 3
              local.get 12
              i32.add
              local.get 28
              v128.load32_lane offset=144 3
              local.set 28
              local.get 22
              local.set 23
              local.get 28
              local.get 23
              i32x4.splat
              i32x4.add
              local.set 26
              local.get 27
              i32.const 4
              i32x4.shl
              i32.const 0
              v128.load offset=192 align=4
              i32x4.add
              local.set 28
              local.get 26
              local.set 29
              local.get 28
              i32x4.extract_lane 0
              local.get 12
              i32.add
              local.get 29
              v128.store32_lane offset=144 0
              local.get 28
              i32x4.extract_lane 1
              local.get 12
              i32.add
              local.get 29
              v128.store32_lane offset=144 1
              local.get 28
              i32x4.extract_lane 2
              local.get 12
              i32.add
              local.get 29
              v128.store32_lane offset=144 2
              local.get 28
              i32x4.extract_lane 3
              local.get 12
              i32.add
              local.get 29
              v128.store32_lane offset=144 3
            end
            local.get 22
            local.set 23
            local.get 23
            i32.const 1
            i32.add
            local.set 25
            local.get 25
            local.set 22
            br 0 (;@4;)
          end
        end
        local.get 24
        i32.const 1021
        i32.le_u
        if ;; label = @3
          i32.const 0
          local.get 24
          i32.const 4
          i32.mul
          i32.add
          v128.load offset=65728 align=4
          local.set 26
        else
          local.get 24
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=144 align=4
          i32x4.min_u
          i32.const 2
          i32x4.shl
          local.set 27
          local.get 27
          i32x4.extract_lane 0
          v128.load32_zero offset=65728
          local.set 26
          local.get 27
          i32x4.extract_lane 1
          local.get 26
          v128.load32_lane offset=65728 1
          local.set 26
          local.get 27
          i32x4.extract_lane 2
          local.get 26
          v128.load32_lane offset=65728 2
          local.set 26
          local.get 27
          i32x4.extract_lane 3
          local.get 26
          v128.load32_lane offset=65728 3
          local.set 26
        end
        local.get 26
        i32.const 0
        v128.load offset=208 align=4
        i32x4.eq
        local.set 27
        local.get 27
        local.set 26
        block ;; label = @3
          local.get 26
          v128.any_true
          i32.eqz
          br_if 0 (;@3;)
          local.get 12
          i32.const 144
          i32.add
          local.tee 19
          i32.const 192
          i32.add
          local.set 20
          loop ;; label = @4
            local.get 19
            local.get 19
            v128.load align=4
            local.get 26
            v128.andnot
            v128.store align=4
            local.get 19
            i32.const 16
            i32.add
            local.tee 19
            local.get 20
            i32.lt_u
            br_if 0 (;@4;)
          end
        end
        local.get 24
        i32x4.splat
        i32.const 0
        v128.load offset=128 align=4
        i32x4.add
        local.set 13
        local.get 13
        i32.const 0
        v128.load offset=160 align=4
        i64x2.extmul_low_i32x4_u
        local.set 15
        local.get 13
        i32.const 0
        v128.load offset=160 align=4
        i64x2.extmul_high_i32x4_u
        local.set 16
        local.get 15
        local.get 16
        i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31
        local.set 15
        local.get 13
        local.get 15
        i32x4.sub
        i32.const 1
        i32x4.shr_u
        local.get 15
        i32x4.add
        i32.const 3
        i32x4.shr_u
        local.set 14
        local.get 13
        local.get 14
        i32.const 0
        v128.load offset=176 align=4
        i32x4.mul
        i32x4.sub
        local.set 27
        local.get 27
        i32.const 4
        i32x4.shl
        i32.const 0
        v128.load offset=192 align=4
        i32x4.add
        local.set 26
        local.get 26
        i32x4.extract_lane 0
        local.get 12
        i32.add
        v128.load32_zero offset=144
        local.set 29
        local.get 26
        i32x4.extract_lane 1
        local.get 12
        i32.add
        local.get 29
        v128.load32_lane offset=144 1
        local.set 29
        local.get 26
        i32x4.extract_lane 2
        local.get 12
        i32.add
        local.get 29
        v128.load32_lane offset=144 2
        local.set 29
        local.get 26
        i32x4.extract_lane 3
        local.get 12
        i32.add
        local.get 29
        v128.load32_lane offset=144 3
        local.set 29
        local.get 24
        i32.const 1020
        i32.le_u
        if ;; label = @3
          i32.const 0
          local.get 24
          i32.const 4
          i32.mul
          i32.add
          local.get 29
          v128.store offset=69888 align=4
        else
          local.get 24
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=224 align=4
          i32x4.min_u
          local.get 24
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32x4.eq
          local.set 27
          local.get 24
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=224 align=4
          i32x4.min_u
          i32.const 2
          i32x4.shl
          local.set 26
          local.get 29
          local.set 28
          local.get 0
          local.get 28
          v128.store align=4
          local.get 0
          local.get 26
          v128.store offset=16 align=4
          local.get 27
          i32x4.extract_lane 0
          if ;; label = @4
            local.get 0
            i32.load offset=16
            local.get 0
            i32.load
            i32.store offset=69888
          end
          local.get 27
          i32x4.extract_lane 1
          if ;; label = @4
            local.get 0
            i32.load offset=20
            local.get 0
            i32.load offset=4
            i32.store offset=69888
          end
          local.get 27
          i32x4.extract_lane 2
          if ;; label = @4
            local.get 0
            i32.load offset=24
            local.get 0
            i32.load offset=8
            i32.store offset=69888
          end
          local.get 27
          i32x4.extract_lane 3
          if ;; label = @4
            local.get 0
            i32.load offset=28
            local.get 0
            i32.load offset=12
            i32.store offset=69888
          end
        end
      end
      local.get 7
      i32.const 1
      i32.add
      local.tee 7
      i32.const 2
      i32.lt_u
      br_if 0 (;@1;)
    end
  )
)
