import { z } from 'zod'
import { errorCodes } from '../../errors.ts'
import {
  brokerMetadataSchema,
  challengeSchema,
  exchangeAnswerSchema,
  exchangeRefusalSchema,
  metadataPath,
  restAnswerSchema,
} from '../../token-exchange.ts'
import { version } from '../../version.ts'
import type { BrokerConfig } from '../config.ts'
import { exchangeFormSchema } from '../exchange/exchange-form.ts'

const healthSchema = z.object({ status: z.literal('ok') })
const notReadySchema = z.object({ status: z.literal('failing'), problems: z.array(z.string()).min(1) })
const refusalSchema = exchangeRefusalSchema.extend({
  code: z.string().meta({ description: `One of: ${errorCodes.join(', ')}` }),
})

/** OpenAPI 3.1 of the broker's own routes, made from what judges and makes their bodies. */
export function describeApi({ issuer }: Pick<BrokerConfig, 'issuer'>) {
  const json = (schema: z.ZodType) => ({ 'application/json': { schema: toJsonSchema(schema) } })
  const answer = (description: string, schema: z.ZodType) => ({ description, content: json(schema) })
  const reference = (name: string) => ({ $ref: `#/components/responses/${name}` })
  const limited = { 429: reference('TooMany'), 503: reference('Unavailable') }
  return {
    openapi: '3.1.0',
    info: {
      title: 'sg-broker',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Turns an Autodesk Identity sign-in into a ShotGrid session of that very person. Where a site is served through the gateway, its API (`/api3/json`, `/api/v1…`, `/upload`, `/file_serve`) is ShotGrid’s own and is described by ShotGrid.',
    },
    servers: [{ url: issuer }],
    paths: {
      [metadataPath]: {
        get: {
          operationId: 'readMetadata',
          summary: 'Addresses, sites and the Autodesk app to sign in with (RFC 8414)',
          responses: { 200: answer('The metadata', brokerMetadataSchema) },
        },
      },
      '/challenge': {
        post: {
          operationId: 'makeChallenge',
          summary: 'A random value that one proof may use, once',
          responses: { 200: answer('The challenge', challengeSchema), ...limited },
        },
      },
      '/token': {
        post: {
          operationId: 'exchangeToken',
          summary: 'Token exchange (RFC 8693): a sign-in for a session or a REST bearer of that person',
          parameters: [
            {
              name: 'DPoP',
              in: 'header',
              required: true,
              description:
                'Proof of the sign-in’s key over the challenge (RFC 9449, with the claim `sign_in_challenge`)',
              schema: { type: 'string', maxLength: 4096 },
            },
          ],
          requestBody: {
            required: true,
            content: { 'application/x-www-form-urlencoded': { schema: toJsonSchema(exchangeFormSchema) } },
          },
          responses: {
            200: answer('What was asked for', z.union([exchangeAnswerSchema, restAnswerSchema])),
            ...Object.fromEntries(
              Object.entries(tokenRefusals).map(([status, description]) => [
                status,
                answer(description, refusalSchema),
              ]),
            ),
            ...limited,
          },
        },
      },
      '/health/live': {
        get: {
          operationId: 'isAlive',
          summary: 'Whether the process answers',
          responses: { 200: answer('It does', healthSchema) },
        },
      },
      '/health/ready': {
        get: {
          operationId: 'isReady',
          summary: 'Whether it can do its work: the database answers and nobody stops it',
          responses: { 200: answer('It can', healthSchema), 503: answer('It cannot, and why', notReadySchema) },
        },
      },
      '/metrics': {
        get: {
          operationId: 'readMetrics',
          summary: 'For Prometheus, from the addresses in `metrics.allow`',
          responses: {
            200: { description: 'Text exposition format', content: { 'text/plain': { schema: { type: 'string' } } } },
            404: answer('Not from here', refusalSchema),
          },
        },
      },
      '/openapi.json': {
        get: {
          operationId: 'describe',
          summary: 'This document',
          responses: {
            200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
          },
        },
      },
    },
    components: {
      responses: {
        TooMany: { ...answer('Too many requests of this address or account', refusalSchema), headers: retryAfter },
        Unavailable: { ...answer('Not right now, or stopped by an operator', refusalSchema), headers: retryAfter },
      },
    },
  }
}

const tokenRefusals = {
  400: 'Form, proof or subject token is not good',
  403: 'This person is not signed in here',
  404: 'The audience is no site of this broker',
  413: 'The form is too large',
  415: 'The body is no form',
  500: 'A mistake of the broker',
  502: 'Site or Autodesk Identity did not answer, or the site made a session that is not the person’s',
}

const retryAfter = { 'Retry-After': { description: 'Seconds to wait', schema: { type: 'integer', minimum: 1 } } }

function toJsonSchema(schema: z.ZodType) {
  // What is sent may grow: clients must not refuse members they do not know. What is taken may not.
  const { $schema: _draft, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return rest
}
